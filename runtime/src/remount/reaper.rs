//! The process that unmounts what was replaced: nobody waits for that.

use std::io;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::pipe::{PipeFlags, pipe_with};

use super::Living;
use crate::channel::ExitStatus;
use crate::confine::exit;
use crate::mark;
use crate::sys::{Forked, fork};

/// A process that unmounts.
pub(super) struct Reaper {
    pid: Pid,
    /// How many of the old ones it knows.
    takes: usize,
}

impl Living {
    /// The process that unmounts, where there is one.
    pub(crate) fn clearing(&self) -> Option<Pid> {
        self.reaper.as_ref().map(|reaper| reaper.pid)
    }

    /// Begins to unmount what was replaced, if that is not being done already.
    pub(crate) fn clear(&mut self) {
        if let Some(reaper) = &self.reaper {
            // A command may have stopped it: what it has to unmount would become more and more.
            let _ = kill(reaper.pid, Signal::SIGCONT);
        }
        if self.reaper.is_none() && !(self.old.is_empty() && self.held.is_empty()) {
            // Without one it stays where it is until the next time, which costs nothing but memory.
            self.reaper = self.fork_reaper().ok();
        }
    }

    /// A child of init that is no command has ended: it may be the one that unmounts.
    pub(crate) fn has_ended(&mut self, pid: Pid, status: ExitStatus) {
        let reaper = self.reaper.take_if(|reaper| reaper.pid == pid);
        // A command may have killed it.
        if let Some(reaper) = reaper.filter(|_| status == ExitStatus::Code(0)) {
            self.old.drain(..reaper.takes);
            self.clear();
        }
    }

    fn fork_reaper(&mut self) -> io::Result<Reaper> {
        let (begin, hold) = pipe_with(PipeFlags::CLOEXEC)?;
        match fork()? {
            Forked::Child => {
                drop(hold);
                // Without it, it counts as a command's.
                let _ = mark::put_of_init();
                let _ = rustix::io::read(&begin, &mut [0u8; 1]);
                // Some of it may be cleared already.
                self.old.iter().for_each(|name| drop(self.stash.clear(name)));
                exit(0)
            }
            Forked::Parent { child, .. } => {
                // Now it is the last to close them.
                self.held.clear();
                Ok(Reaper { pid: child, takes: self.old.len() })
            }
        }
    }
}
