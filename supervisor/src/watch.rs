//! Watches over one command: what is reported of it, its deadline, its limits, and what it was refused.
//!
//! ```text
//!           deadline              grace over             patience over
//!  Running ──────────▶ Terminated ──────────▶ Killed ──────────────┐
//!     │ SIGTERM to us ───────▲                  ▲ │                │
//!     ├───── a limit is passed, cancelled ──────┘ │                │
//!     └───── exited ─────────┴───── exited ───────┴────────────────┴──▶ End
//! ```
//! It neither waits nor signals: whoever conducts the sandbox tells it what has happened, and carries out what it
//! says. So there can be one of it for each of many commands.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use clearing_runtime::{ExitStatus, Failure, GuardReport, Kept, Report, Usage};
use nix::sys::signal::Signal;

use crate::alerts::Alert;
use crate::error::Error;
use crate::monitor::{Beside, Breach, Counted, Finish, Measured, Monitor, Scene};
use crate::policy::Denial;
use crate::refused::{Onlooker, Refused};
use crate::relay::Truncated;

/// How a command ended, as far as the kernel tells.
#[derive(Debug, Default)]
pub(crate) struct End {
    /// None when it was never started, or init is gone.
    pub(crate) status: Option<ExitStatus>,
    /// Why it was never started.
    pub(crate) failure: Option<Failure>,
    /// Whether the deadline passed first.
    pub(crate) timed_out: bool,
    /// Whether whoever had asked for it had it ended.
    pub(crate) cancelled: bool,
    /// The limit for which we ended it.
    pub(crate) breach: Option<Breach>,
    /// Output beyond its limit.
    pub(crate) truncated: Truncated,
    /// Output that its reader did not take in time.
    pub(crate) untaken: Truncated,
    /// Whether the project was seen to have changed while the command could not see it anew.
    pub(crate) project_changed: bool,
    /// Whether it left no process running, of its own or of others.
    pub(crate) alone: bool,
    /// Whether it left some of its own, where there may be others.
    pub(crate) left: bool,
    /// Whether init did not answer.
    pub(crate) given_up: bool,
    pub(crate) guards: Vec<GuardReport>,
    pub(crate) measured: Measured,
    /// What a person has heard of already.
    pub(crate) noted: Vec<Alert>,
    /// What it wanted to execute and could not, where somebody looked on.
    pub(crate) refused: Refused,
    /// Still open, though nobody is in them.
    pub(crate) kept: Kept,
}

/// The watch over one command.
pub(crate) struct Watch {
    monitor: Monitor,
    /// Where not every program can be executed.
    onlooker: Option<Onlooker>,
    /// The next thing to do to a command that must end, and when.
    next: Option<(Instant, Measure)>,
    pace: Pace,
    /// What all of its reaped processes used.
    reaped: Usage,
    finish: Finish,
    end: End,
}

/// How long a command that must end has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// From SIGTERM to SIGKILL.
    pub(crate) grace: Duration,
    /// From SIGKILL until init has told the end of it.
    pub(crate) patience: Duration,
}

/// What is done to a command that must end, each when the one before did not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// The deadline has passed: SIGTERM to every process of it. A stopped one gets SIGCONT too, or it could not act
    /// on that.
    Terminate,
    /// SIGKILL to every process of it.
    Kill,
    /// Init does not answer: it is killed, and the kernel ends the rest.
    GiveUp,
}

/// What a report meant for the command.
pub(crate) enum Taken {
    Nothing,
    /// Its program runs.
    Started,
    /// The same, and this is the other end of its terminal.
    StartedOn(OwnedFd),
    /// It has ended, or there was none.
    Over,
}

/// Output that was handed on, and what was not.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Output {
    pub(crate) handed_on: u64,
    pub(crate) truncated: Truncated,
}

impl Watch {
    pub(crate) fn new(deadline: Option<Instant>, pace: Pace, monitor: Monitor) -> Self {
        let next = deadline.map(|at| (at, Measure::Terminate));
        let (reaped, finish, end) = (Usage::default(), Finish::default(), End::default());
        Self { monitor, onlooker: None, next, pace, reaped, finish, end }
    }

    /// The same with a look at what is executed.
    pub(crate) fn looking_on(self, onlooker: Option<Onlooker>) -> Self {
        Self { onlooker, ..self }
    }

    /// When there is something to do, whatever happens until then.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.next.map(|(at, _)| at).into_iter().chain(self.monitor.due()).min()
    }

    /// Readable when [`Watch::look_on`] has something to look at.
    pub(crate) fn listener(&self) -> Option<BorrowedFd<'_>> {
        self.onlooker.as_ref().and_then(Onlooker::listener)
    }

    /// Programs wait meanwhile.
    pub(crate) fn look_on(&mut self, tell: &mut dyn FnMut(&Denial)) -> Result<(), Error> {
        let Some(onlooker) = &mut self.onlooker else { return Ok(()) };
        onlooker.look(tell).map_err(|error| Error::System("ioctl(SECCOMP_IOCTL_NOTIF)", error))
    }

    /// Takes in what init reports of the command or, before it, of the sandbox.
    pub(crate) fn take(&mut self, report: Report, descriptor: Option<OwnedFd>, scene: Scene<'_>) -> Taken {
        match report {
            Report::Ready { guards, .. } => self.end.guards = guards,
            Report::Started { guards, .. } => {
                self.end.guards.extend(guards);
                self.monitor.begin(scene);
                self.onlooker.iter_mut().for_each(Onlooker::has_started);
                return descriptor.map_or(Taken::Started, Taken::StartedOn);
            }
            Report::Failed(failure) | Report::NotStarted { failure, .. } => {
                self.end.failure = Some(failure);
                return Taken::Over;
            }
            Report::Observed { .. } => {
                self.onlooker
                    .iter_mut()
                    .zip(descriptor)
                    .for_each(|(onlooker, listener)| onlooker.begin(listener));
            }
            Report::Exited { status, usage, others, over, alone, left, .. } => {
                self.end.status = Some(status);
                (self.end.alone, self.end.left) = (alone, left);
                self.reaped = usage;
                // Where nothing is left there is nobody to be looked at.
                self.finish = self.monitor.finish(scene, status, others, over || alone);
                return Taken::Over;
            }
            // Answers to somebody who waited for them, and what is told of several commands.
            Report::Remounted(_)
            | Report::Quiet(_)
            | Report::Ended { .. }
            | Report::Alone
            | Report::Stale
            | Report::Zygote(_) => {}
        }
        Taken::Nothing
    }

    /// Something happened at a limit of the group.
    pub(crate) fn heed(&mut self) {
        self.monitor.heed();
    }

    /// Looks whether a limit is passed, and if so lets the command be killed at once. Gives what is to be told, and
    /// the limit that the command ends at now.
    pub(crate) fn keep_the_limits(
        &mut self,
        scene: Scene<'_>,
        output: Output,
    ) -> (Vec<Alert>, Option<Breach>) {
        let (breach, alerts) = self.monitor.look(scene, output.handed_on);
        self.end.truncated = output.truncated;
        let over = breach.is_some() || output.truncated.any();
        if over && !self.end.timed_out && self.end.breach.is_none() && !self.is_killing() {
            self.end.breach = breach;
            self.next = Some((Instant::now(), Measure::Kill));
        }
        (alerts, breach)
    }

    /// A signal is handed on to the command. It may handle any of them and go on; but who terminates the supervisor
    /// wants an end of the run, so SIGTERM begins the grace.
    pub(crate) fn is_sent(&mut self, signal: Signal) {
        if signal == Signal::SIGTERM && self.next.is_none_or(|(_, next)| next == Measure::Terminate) {
            self.next = Some((Instant::now() + self.pace.grace, Measure::Kill));
        }
    }

    /// Whoever had asked for it wants no more of it: it is terminated now, unless it is ending already.
    pub(crate) fn cancel(&mut self) {
        if !self.is_ending() {
            self.end.cancelled = true;
            self.next = Some((Instant::now(), Measure::Terminate));
        }
    }

    /// It is being ended by somebody else, for whoever had asked for it.
    pub(crate) fn is_cancelled(&mut self) {
        if !self.is_ending() {
            self.end.cancelled = true;
        }
    }

    /// It is killed now, by whoever says so.
    pub(crate) fn kill(&mut self) {
        self.next = Some((Instant::now() + self.pace.patience, Measure::GiveUp));
    }

    /// What is watched is what a command left that ran before.
    pub(crate) fn goes_on(&mut self, scene: Scene<'_>) {
        self.monitor.go_on(scene);
        self.onlooker.iter_mut().for_each(Onlooker::has_started);
    }

    /// The look at what is executed, for whoever goes on with it; what was refused so far stays.
    pub(crate) fn take_onlooker(&mut self) -> Option<Onlooker> {
        let mut onlooker = self.onlooker.take()?;
        self.end.refused = onlooker.take_refused();
        Some(onlooker)
    }

    /// The next measure, when its time has come; it counts as taken.
    pub(crate) fn measure(&mut self) -> Option<Measure> {
        let now = Instant::now();
        let (_, measure) = self.next.filter(|(at, _)| *at <= now)?;
        match measure {
            Measure::Terminate => {
                self.end.timed_out = !self.end.cancelled;
                self.next = Some((now + self.pace.grace, Measure::Kill));
            }
            Measure::Kill => self.next = Some((now + self.pace.patience, Measure::GiveUp)),
            Measure::GiveUp => {
                // With init the kernel kills the rest.
                self.next = None;
                self.end.status = self.end.status.or(Some(ExitStatus::Signal(Signal::SIGKILL as i32)));
                self.end.given_up = true;
            }
        }
        Some(measure)
    }

    /// Whether it was ended, or is being ended, by us.
    pub(crate) fn is_ending(&self) -> bool {
        self.end.timed_out || self.end.cancelled || self.end.breach.is_some() || self.is_killing()
    }

    /// What is known so far.
    pub(crate) fn end_so_far(&mut self) -> &mut End {
        &mut self.end
    }

    /// All that was seen, once the command has ended.
    pub(crate) fn into_end(self, counted: Counted<'_>, beside: Beside) -> End {
        let measured = self.monitor.into_measured(counted, beside, self.finish, self.reaped);
        let refused = self.onlooker.map_or(self.end.refused, |mut onlooker| onlooker.take_refused());
        End { measured, refused, ..self.end }
    }

    fn is_killing(&self) -> bool {
        matches!(self.next, Some((_, Measure::Kill | Measure::GiveUp)))
    }
}
