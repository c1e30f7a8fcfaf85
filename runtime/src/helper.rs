//! Short-lived forked processes that do one thing for the supervisor.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use nix::fcntl::{OFlag, open};
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use nix::sys::stat::Mode;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, setsid};

use crate::confine::exit;
use crate::descriptors::close_all_but;
use crate::sys::{Forked, fork};

/// A forked process at work.
#[derive(Debug)]
pub struct Helper {
    child: Pid,
    _pidfd: OwnedFd,
}

impl Helper {
    /// Runs `work` in a fork of the calling process, which must have one thread. All signals are
    /// blocked there, and of all descriptors it has only `kept`, since nobody waits for it and many for the end of
    /// a pipe. It leads a session of its own, so that what kills the caller's process group spares it.
    pub fn fork(kept: &[BorrowedFd<'_>], work: impl FnOnce()) -> io::Result<Self> {
        match fork()? {
            Forked::Parent { child, pidfd } => Ok(Self { child, _pidfd: pidfd }),
            Forked::Child => {
                if stand_alone().is_ok() && close_all_but(kept.iter().copied()).is_ok() {
                    work();
                }
                exit(0)
            }
        }
    }

    /// Waits for its end.
    pub fn wait(self) {
        // Fails only when it has been reaped already.
        let _ = waitpid(self.child, None);
    }
}

fn stand_alone() -> nix::Result<()> {
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)?;
    setsid()?;
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It may go on after us; what has ended already is reaped.
        let _ = waitpid(self.child, Some(WaitPidFlag::WNOHANG));
    }
}
