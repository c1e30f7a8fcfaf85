//! Ends the processes of one exec and of no other.
//!
//! They are known by their mark. What is found is stopped first, so that it begins nothing more while the rest is
//! looked for; once there is nothing new, all are killed. Who was between the looks is found by the next ones.

use std::collections::BTreeMap;

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use rustix::fd::OwnedFd;
use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};

use super::Server;
use crate::channel::Report;
use crate::{family, mark};

/// How often in a row it is looked whether there is somebody new, before what was found is killed.
const LOOKS: u32 = 100;

impl Server<'_> {
    /// Sends a signal to every process of an exec.
    pub(super) fn signal_exec(&self, exec: u32, signal: i32) {
        send(&self.processes_of(exec), signal);
    }

    /// Ends those of the execs that are to end, and says of which none is left.
    pub(super) fn pursue(&mut self) {
        for exec in std::mem::take(&mut self.ending) {
            if self.kill_all(exec) {
                self.ending.push(exec);
            } else {
                self.report(&Report::Ended { exec }, &[]);
            }
        }
    }

    /// Whether there was anybody.
    fn kill_all(&self, exec: u32) -> bool {
        let mut found: BTreeMap<i32, OwnedFd> = BTreeMap::new();
        for _ in 0..LOOKS {
            let mut new = self.processes_of(exec);
            new.retain(|pid, _| !found.contains_key(pid));
            if new.is_empty() {
                break;
            }
            send(&new, Signal::SIGSTOP as i32);
            found.extend(new);
        }
        send(&found, Signal::SIGKILL as i32);
        !found.is_empty()
    }

    /// The processes of an exec, by their ids: those with its mark, and its first one, which has none yet on its way
    /// to its program.
    fn processes_of(&self, exec: u32) -> BTreeMap<i32, OwnedFd> {
        let mut processes = with_mark(mark::of(self.highest_mark, exec));
        let first =
            self.commands.iter().find(|command| command.exec == exec).map(|command| command.pid.as_raw());
        // Not reaped yet, so that the number is still its own.
        let first = first
            .filter(|first| !processes.contains_key(first))
            .and_then(|first| Some((first, open(first)?)));
        processes.extend(first);
        processes
    }
}

/// Whether a process has this mark.
pub(super) fn is_anybody_left(mark: u64) -> bool {
    !with_mark(mark).is_empty()
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

/// The processes with a mark, by their ids. The descriptor is opened first: a number may come to be another's.
fn with_mark(mark: u64) -> BTreeMap<i32, OwnedFd> {
    let all = family::processes().unwrap_or_default();
    let marked = all.into_iter().filter_map(|number| {
        let process = open(number)?;
        let found = mark::of_process(Pid::from_raw(number)).ok()??;
        (found == mark).then_some((number, process))
    });
    marked.collect()
}
