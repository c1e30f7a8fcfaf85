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
        let Some(signal) = rustix::process::Signal::from_named_raw(signal) else { return };
        for process in with_mark(mark::of(self.highest_mark, exec)).values() {
            // It may have ended since.
            let _ = pidfd_send_signal(process, signal);
        }
    }

    /// Ends those of the execs that are to end, and says of which none is left.
    pub(super) fn pursue(&mut self) {
        for exec in std::mem::take(&mut self.ending) {
            if kill_all(mark::of(self.highest_mark, exec)) {
                self.ending.push(exec);
            } else {
                self.report(&Report::Ended { exec }, &[]);
            }
        }
    }
}

/// Whether a process has this mark.
pub(super) fn is_anybody_left(mark: u64) -> bool {
    !with_mark(mark).is_empty()
}

/// Whether there was anybody.
fn kill_all(mark: u64) -> bool {
    let mut found: BTreeMap<i32, OwnedFd> = BTreeMap::new();
    for _ in 0..LOOKS {
        let mut new = with_mark(mark);
        new.retain(|pid, _| !found.contains_key(pid));
        if new.is_empty() {
            break;
        }
        send(&new, Signal::SIGSTOP);
        found.extend(new);
    }
    send(&found, Signal::SIGKILL);
    !found.is_empty()
}

fn send(processes: &BTreeMap<i32, OwnedFd>, signal: Signal) {
    let signal = rustix::process::Signal::from_named_raw(signal as i32);
    for (process, signal) in processes.values().zip(signal.into_iter().cycle()) {
        let _ = pidfd_send_signal(process, signal);
    }
}

/// The processes with a mark, by their ids. The descriptor is opened first: a number may come to be another's.
fn with_mark(mark: u64) -> BTreeMap<i32, OwnedFd> {
    let all = family::processes().unwrap_or_default();
    let marked = all.into_iter().filter_map(|number| {
        let id = rustix::process::Pid::from_raw(number)?;
        let process = pidfd_open(id, PidfdFlags::empty()).ok()?;
        let found = mark::of_process(Pid::from_raw(number)).ok()??;
        (found == mark).then_some((number, process))
    });
    marked.collect()
}
