//! Ends the processes of one exec and of no other.
//!
//! They are known by their mark. What is found is stopped first, so that it begins nothing more while the rest is
//! looked for; once there is nothing new, all are killed. Who was between the looks is found by the next ones, and
//! nobody is said to be gone after a look during which somebody forked.

use std::collections::BTreeMap;

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use rustix::fd::OwnedFd;
use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};

use super::Server;
use crate::channel::Report;
use crate::mark;

/// How often in a row it is looked whether there is somebody new.
const LOOKS: u32 = 8;

impl Server<'_> {
    /// Sends a signal to every process of an exec.
    pub(super) fn signal_exec(&mut self, exec: u32, signal: i32) {
        self.take_back(exec);
        send(&self.look_for(exec).found, signal);
    }

    /// Ends those of the execs that are to end, and says of which none is left.
    pub(super) fn pursue(&mut self) {
        for exec in std::mem::take(&mut self.ending) {
            self.take_back(exec);
            if self.kill_all(exec) {
                self.ending.push(exec);
            } else {
                self.report(&Report::Ended { exec }, &[]);
            }
        }
    }

    /// Whether there was anybody, or may have been.
    fn kill_all(&self, exec: u32) -> bool {
        let mut found: BTreeMap<i32, OwnedFd> = BTreeMap::new();
        for _ in 0..LOOKS {
            let mut look = self.look_for(exec);
            look.found.retain(|pid, _| !found.contains_key(pid));
            if look.found.is_empty() && look.is_whole {
                send(&found, Signal::SIGKILL as i32);
                return !found.is_empty();
            }
            send(&look.found, Signal::SIGSTOP as i32);
            found.extend(look.found);
        }
        send(&found, Signal::SIGKILL as i32);
        self.kill_while_all_stand(exec)
    }

    /// Processes are begun faster than it can be looked for them: all others stand still for one look.
    fn kill_while_all_stand(&self, exec: u32) -> bool {
        self.family.signal(Signal::SIGSTOP as i32);
        let look = self.look_for(exec);
        send(&look.found, Signal::SIGKILL as i32);
        self.family.signal(Signal::SIGCONT as i32);
        !look.found.is_empty() || !look.is_whole
    }

    /// The processes of an exec: those with its mark, and its first one, which has none yet on its way to its
    /// program.
    fn look_for(&self, exec: u32) -> Look {
        let mark = mark::of(self.highest_mark, exec);
        let mut look = mark.map_or_else(Look::default, |mark| self.look(mark));
        let first = self.commands.iter().find(|command| command.exec == exec).and_then(|command| command.pid);
        // Not reaped yet, so that the number is still its own.
        let first = first
            .map(Pid::as_raw)
            .filter(|first| !look.found.contains_key(first))
            .and_then(|first| Some((first, open(first)?)));
        look.found.extend(first);
        look
    }

    /// The descriptor is opened first: a number may come to be another's.
    fn look(&self, mark: u64) -> Look {
        let of_mark = |pid: Pid| {
            let process = open(pid.as_raw())?;
            (self.family.mark_of(pid)? == mark).then_some((pid.as_raw(), process))
        };
        let looked = self.family.look(&self.ours(), |all| all.into_iter().filter_map(of_mark).collect());
        looked.map_or_else(Look::default, |(found, is_whole)| Look { found, is_whole })
    }

    /// Whether a process has this mark, or may have it.
    pub(super) fn is_anybody_left(&self, mark: u64) -> bool {
        for _ in 0..LOOKS {
            let look = self.look(mark);
            if look.is_whole || !look.found.is_empty() {
                return !look.found.is_empty();
            }
        }
        true
    }
}

/// Those that have a mark, by their ids.
#[derive(Default)]
struct Look {
    found: BTreeMap<i32, OwnedFd>,
    /// Whether nobody can have been missed.
    is_whole: bool,
}

fn send(processes: &BTreeMap<i32, OwnedFd>, signal: i32) {
    let Some(signal) = rustix::process::Signal::from_named_raw(signal) else { return };
    for process in processes.values() {
        // It may have ended since.
        let _ = pidfd_send_signal(process, signal);
    }
}

fn open(number: i32) -> Option<OwnedFd> {
    pidfd_open(rustix::process::Pid::from_raw(number)?, PidfdFlags::empty()).ok()
}
