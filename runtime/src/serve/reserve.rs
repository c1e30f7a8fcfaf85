//! The zygote that init keeps while commands come: when there is one, what it is ordered, and what is done where it does
//! not do that.
//!
//! ```text
//!   a command has ended ──▶ wanted ── nobody asks for anything ──▶ forked ──▶ prepared ──▶ ordered ──▶ runs
//!            ▲                                                       │          │  ▲         │  └───────┘
//!            └──────────────────── gone, idle for too long, layers change ◀─────┘            ▼ gone, overdue
//!                                                                               init begins the command itself
//! ```

use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use super::start::guards;
use super::{Server, send};
use crate::channel::Report;
use crate::confine::Word;
use crate::error::{Failure, Stage};
use crate::guard::GuardReport;
use crate::seccomp::observes;
use crate::spec::ExecSpec;
use crate::stdio::Streams;
use crate::zygote::Zygote;

/// What init knows of it.
#[derive(Default)]
pub(super) struct Reserve {
    pub(super) zygote: Option<Zygote>,
    ordered: Option<Ordered>,
    /// Whether one is to be made.
    is_wanted: bool,
    /// How often one ended before it took an order.
    useless: u32,
    /// When somebody asked for something last; nothing while what will be asked for is waited for.
    used: Option<Instant>,
}

/// A command that it was ordered to begin, and that is not known to run.
struct Ordered {
    exec: u32,
    /// For who has to begin it otherwise.
    spec: ExecSpec,
    streams: Streams,
    since: Instant,
    /// What becomes of its guards.
    guards: Vec<GuardReport>,
    /// What its process was to be sent before there was one.
    early: Vec<i32>,
}

/// Where nobody asks for anything for so long, none is kept.
const IDLE: Duration = Duration::from_secs(2);
/// So long a command may take to become its program before it is seen to that it does.
const PATIENCE: Duration = Duration::from_millis(100);
/// So many in a row may be of no use: where commands kill them, or where none can be had.
const USELESS: u32 = 8;

impl Server<'_> {
    /// Somebody asks for a command: others may follow.
    pub(super) fn is_used(&mut self) {
        self.reserve.used = Some(Instant::now());
    }

    /// A command will be asked for: one is kept until then.
    pub(super) fn expect_command(&mut self) {
        self.want_zygote();
        self.reserve.used = None;
    }

    /// From now on one would be of use, where there may be one.
    pub(super) fn want_zygote(&mut self) {
        let may = self.living.is_some() && self.reserve.ordered.is_none() && self.reserve.useless < USELESS;
        self.reserve.is_wanted = may && self.reserve.zygote.is_none() && !observes(&self.confinement.filter);
    }

    /// How long init may wait before [`Server::look_after_zygote`] has something to do.
    pub(super) fn zygote_is_due(&self) -> Option<Duration> {
        let Reserve { zygote, ordered, is_wanted, used, .. } = &self.reserve;
        if *is_wanted {
            return Some(Duration::ZERO);
        }
        zygote.as_ref()?;
        let (since, lasts) = match ordered {
            Some(ordered) => (ordered.since, PATIENCE),
            None => ((*used)?, IDLE),
        };
        Some(lasts.saturating_sub(since.elapsed()))
    }

    /// Makes one that is wanted, if nobody waits for anything else; ends one that nobody uses, or that does not answer.
    pub(super) fn look_after_zygote(&mut self, is_nobody: bool) {
        if is_nobody && std::mem::take(&mut self.reserve.is_wanted) {
            self.make_zygote();
        } else if self.zygote_is_due().is_some_and(|due| due.is_zero()) && !self.reserve.is_wanted {
            self.end_zygote();
            self.has_worked = true;
        }
    }

    fn make_zygote(&mut self) {
        // What is free would be the zygote's as well, for as long as it is there.
        self.rest();
        if let Ok(zygote) = Zygote::fork(&self.confinement) {
            let process = zygote.pid.as_raw().unsigned_abs();
            self.reserve.zygote = Some(zygote);
            self.report(&Report::Zygote(Some(process)), &[]);
        }
    }

    /// Takes in what it says: that it is prepared, or that it is no more.
    pub(super) fn hear_zygote(&mut self) {
        if let Some(zygote) = &mut self.reserve.zygote
            && !zygote.hear()
        {
            self.reserve.useless += u32::from(!zygote.is_used());
            self.end_zygote();
        }
    }

    /// Ends it, at once. What it was ordered and has not begun, init begins itself.
    pub(super) fn end_zygote(&mut self) {
        self.reserve.zygote.iter().for_each(Zygote::end);
        self.has_lost_zygote();
    }

    /// It has ended, and has been reaped.
    pub(super) fn has_lost_zygote(&mut self) {
        self.learn();
        if self.reserve.zygote.take().is_some() {
            self.report(&Report::Zygote(None), &[]);
        }
        let is_lost = |ordered: &Ordered| {
            self.commands.iter().any(|command| command.exec == ordered.exec && command.pid.is_none())
        };
        if let Some(ordered) = self.reserve.ordered.take_if(|ordered| is_lost(ordered)) {
            self.begin_itself(ordered);
        }
    }

    /// Takes note of the process that it has begun by now, and passes on what was meant for that.
    pub(super) fn learn(&mut self) {
        let (Some(zygote), Some(ordered)) = (&self.reserve.zygote, &mut self.reserve.ordered) else { return };
        let of_order = |pid: &&mut Option<Pid>| pid.is_none();
        let command = self.commands.iter_mut().find(|command| command.exec == ordered.exec);
        let unknown = command.map(|command| &mut command.pid).filter(of_order);
        if let (Some(unknown), Some(pid)) = (unknown, zygote.begun()) {
            *unknown = Some(pid);
            for signal in std::mem::take(&mut ordered.early) {
                send(pid, signal);
            }
        }
    }

    /// Keeps a signal for a command that has no process yet.
    pub(super) fn keep_signal(&mut self, exec: u32, signal: i32) {
        let ordered = self.reserve.ordered.as_mut().filter(|ordered| ordered.exec == exec);
        ordered.into_iter().for_each(|ordered| ordered.early.push(signal));
    }

    /// Has the zygote begin a command; gives back what is for somebody else to begin.
    pub(super) fn order(
        &mut self,
        spec: ExecSpec,
        mark: Option<u64>,
        streams: Streams,
        tell: &std::os::fd::OwnedFd,
    ) -> Option<(ExecSpec, Streams)> {
        if self.reserve.zygote.as_ref().is_some_and(|zygote| !zygote.is_scheduled_as_init()) {
            self.end_zygote();
        }
        let is_free = self.reserve.ordered.is_none() && spec.function.is_none() && !spec.last;
        let zygote = self.reserve.zygote.as_mut().filter(|zygote| is_free && zygote.guards().is_some());
        let (Some(zygote), Some(mark)) = (zygote, mark) else { return Some((spec, streams)) };
        if zygote.order(&spec, mark, &streams, tell.as_fd()).is_err() {
            return Some((spec, streams));
        }
        let (exec, since, early) = (spec.id, Instant::now(), Vec::new());
        let guards = zygote.guards().unwrap_or_default().to_vec();
        self.reserve.useless = 0;
        self.reserve.ordered = Some(Ordered { exec, spec, streams, since, guards, early });
        None
    }

    /// A command has told all that it tells on its way, or nothing where it was ordered and its program runs. Gives what
    /// became of its guards.
    ///
    /// Where it did not get as far as its program, for another reason than that there is none, init tries itself: it
    /// does what a command may do with more rights. Nothing then.
    pub(super) fn hear_out(
        &mut self,
        exec: u32,
        told: Vec<Word>,
    ) -> Option<Result<Vec<GuardReport>, Failure>> {
        self.learn();
        let Some(ordered) = self.reserve.ordered.take_if(|ordered| ordered.exec == exec) else {
            return Some(guards(told));
        };
        let command = self.commands.iter().find(|command| command.exec == exec);
        let is_there = command.is_some_and(|command| command.pid.is_some());
        match guards(told) {
            Ok(_) if is_there => Some(Ok(ordered.guards)),
            Err(failure) if matches!(failure.stage, Stage::Execute | Stage::Script) => Some(Err(failure)),
            _ => {
                self.begin_itself(ordered);
                None
            }
        }
    }

    fn begin_itself(&mut self, ordered: Ordered) {
        let Ordered { exec, spec, streams, early, .. } = ordered;
        let Some(index) = self.commands.iter().position(|command| command.exec == exec) else { return };
        match self.begin_in_a_copy(&spec, &streams, self.commands[index].mark) {
            Ok((pid, starting)) => {
                let command = &mut self.commands[index];
                (command.pid, command.starting) = (Some(pid), Some(starting));
                for signal in early {
                    send(pid, signal);
                }
            }
            Err(failure) => {
                self.commands.swap_remove(index);
                self.report(&Report::NotStarted { exec, failure }, &[]);
            }
        }
    }

    /// Sees to it that a command which is to be ended has a process.
    pub(super) fn take_back(&mut self, exec: u32) {
        self.learn();
        let command = self.commands.iter().find(|command| command.exec == exec);
        if command.is_some_and(|command| command.pid.is_none()) {
            self.end_zygote();
        }
    }

    /// The same of every command.
    pub(super) fn take_back_all(&mut self) {
        let ordered = self.reserve.ordered.as_ref().map(|ordered| ordered.exec);
        ordered.into_iter().for_each(|exec| self.take_back(exec));
    }
}
