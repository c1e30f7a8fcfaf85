//! What init does with the dead: the orphans of all commands are its children.

use std::io;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::Server;
use crate::channel::{ExitStatus, Report, Usage};
use crate::error::{AtStage as _, Failure, Stage};
use crate::sys::{wait4, wait4_apart, waitid};

/// So many are reaped before it is looked what else there is to do.
const AT_ONCE: usize = 1024;

impl Server<'_> {
    /// Reaps whatever has died, and says so where it was a command.
    pub(super) fn reap(&mut self) {
        while let Ok(Some(signal)) = self.wake.read_signal() {
            self.over |= signal.ssi_signo == Signal::SIGTERM as u32;
        }
        let (mut dead, mut childless) = (Vec::new(), false);
        let mut any = self.are_dead_left;
        self.are_dead_left = loop {
            match self.reap_one() {
                // Who forks faster than it is reaped keeps nobody from what else init has to do.
                Ok(Some(one)) if dead.len() < AT_ONCE => dead.push(one),
                Ok(Some(one)) => {
                    dead.push(one);
                    break true;
                }
                Ok(None) => break false,
                Err(error) => {
                    childless = error.raw_os_error() == Some(libc::ECHILD);
                    break false;
                }
            }
        };
        dead.extend(self.reap_apart());
        any |= !dead.is_empty();
        self.learn();
        // Who is left when a command has ended is counted without those of our own that are not there any more.
        dead.sort_by_key(|(pid, ..)| self.commands.iter().any(|command| command.pid == Some(*pid)));
        for (pid, status, used) in dead {
            self.reaped(pid, status, used, childless);
        }
        if any {
            self.become_quiet(childless);
        }
    }

    /// Of a process that is no command's first one, what it used is told with the exec that it belonged to: its
    /// mark can be read for as long as it is not reaped.
    fn reap_one(&mut self) -> io::Result<Option<(Pid, ExitStatus, Usage)>> {
        if self.living.is_none() {
            return wait4(None);
        }
        let Some(pid) = waitid()? else { return Ok(None) };
        // It may be a command that the zygote has begun since we looked; its number was there before it ran.
        self.learn();
        let is_first = self.commands.iter().any(|command| command.pid == Some(pid));
        let mark = if is_first { None } else { self.family.mark_of(pid) };
        let reaped = wait4(Some(pid))?;
        if let (Some(mark), Some((_, _, used))) = (mark, &reaped) {
            let of_exec = self.commands.iter_mut().find(|command| command.mark == Some(mark));
            of_exec.into_iter().for_each(|command| command.used.add(used));
        }
        Ok(reaped)
    }

    /// The zygote, and commands that it has begun which have ended before their programs.
    fn reap_apart(&mut self) -> Vec<(Pid, ExitStatus, Usage)> {
        let mut dead = Vec::new();
        while self.living.is_some()
            && let Ok(Some(one)) = wait4_apart()
        {
            match &self.reserve.zygote {
                Some(zygote) if zygote.pid == one.0 => self.has_lost_zygote(),
                _ => dead.push(one),
            }
        }
        dead
    }

    fn reaped(&mut self, pid: Pid, status: ExitStatus, used: Usage, childless: bool) {
        let Some(index) = self.commands.iter().position(|command| command.pid == Some(pid)) else {
            self.living.iter_mut().for_each(|living| living.has_ended(pid, status));
            return;
        };
        self.finish_start(index);
        // Begun anew by somebody else, it is another process.
        if self.commands.get(index).is_none_or(|command| command.pid != Some(pid)) {
            return;
        }
        let mut command = self.commands.swap_remove(index);
        let childless = childless && self.commands.is_empty();
        self.want_zygote();
        self.over |= command.last;
        self.alone = childless;
        if !command.reported {
            let (exec, over) = (command.exec, self.over && childless);
            // An init that goes on may have a child of its own.
            let alone = childless || (self.living.is_some() && self.is_alone());
            command.used.add(&used);
            let usage = if command.last { usage_of_all() } else { command.used };
            let others = self.others(status);
            let left = !alone && command.mark.is_some_and(|mark| self.is_anybody_left(mark));
            self.is_told_alone = alone;
            self.report(&Report::Exited { exec, status, usage, others, over, alone, left }, &[]);
        }
    }

    /// Where nothing is left but init, and commands have been there, what they looked up of the project is to be
    /// dropped: the next one sees it as it is then. Who was told of an end may be waiting for this very processor, and
    /// comes first.
    fn become_quiet(&mut self, childless: bool) {
        let was_told = std::mem::take(&mut self.is_told_alone);
        let is_over = self.living.is_some() && self.has_begun && self.commands.is_empty();
        if !is_over || !(childless || was_told || self.is_alone()) {
            return;
        }
        (self.has_begun, self.is_to_look_anew) = (false, true);
        if !was_told {
            self.report(&Report::Alone, &[]);
        }
    }

    /// Drops what was looked up of the project, if that is to be done. Where it cannot be, the supervisor is told.
    pub(super) fn look_anew(&mut self) -> Result<(), Failure> {
        let is_due = std::mem::take(&mut self.is_to_look_anew);
        let Some(living) = self.living.as_ref().filter(|_| is_due) else { return Ok(()) };
        let dropped = living.look_up_anew().at(Stage::Mounts, || "fsconfig(FSCONFIG_CMD_RECONFIGURE)".into());
        dropped.inspect_err(|_| self.report(&Report::Stale, &[]))
    }

    fn is_alone(&self) -> bool {
        self.commands.is_empty() && self.others_alive() == 0
    }

    /// How many processes a command that failed left: as many as there may be say why it did. Later is too
    /// late, as they end with init.
    fn others(&self, status: ExitStatus) -> u64 {
        if status == ExitStatus::Code(0) { 0 } else { self.family.count(&self.ours()) }
    }
}

impl Usage {
    /// As if both were one.
    fn add(&mut self, other: &Self) {
        self.user_us += other.user_us;
        self.system_us += other.system_us;
        self.peak_process_memory = self.peak_process_memory.max(other.peak_process_memory);
        self.read_bytes += other.read_bytes;
        self.written_bytes += other.written_bytes;
    }
}

/// What `getrusage(2)` counts in.
const BLOCK: u64 = 512;

/// What all reaped processes used.
fn usage_of_all() -> Usage {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeVal;
    let microseconds = |time: TimeVal| time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64;
    getrusage(UsageWho::RUSAGE_CHILDREN).map_or_else(
        |_| Usage::default(),
        |used| Usage {
            user_us: microseconds(used.user_time()),
            system_us: microseconds(used.system_time()),
            peak_process_memory: used.max_rss() as u64 * 1024,
            read_bytes: used.block_reads() as u64 * BLOCK,
            written_bytes: used.block_writes() as u64 * BLOCK,
        },
    )
}
