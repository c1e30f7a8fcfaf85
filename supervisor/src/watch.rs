//! Watches over a running command: reports, signals, the deadline, limits, and the streams in between.
//!
//! ```text
//!           deadline              grace over             patience over
//!  Running ──────────▶ Terminated ──────────▶ Killed ──────────────┐
//!     │ SIGTERM to us ───────▲                  ▲ │                │
//!     ├───── a limit is passed ─────────────────┘ │                │
//!     └───── exited ─────────┴───── exited ───────┴────────────────┴──▶ drained ──▶ End
//! ```

use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use clearing_runtime::{ExitStatus, Failure, GuardReport, Kept, Report, Sandbox, Usage};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use serde::Serialize;

use crate::alerts::Alert;
use crate::error::Error;
use crate::monitor::{Breach, Finish, Measured, Monitor};
use crate::policy::Denial;
use crate::refused::{Onlooker, Refused};
use crate::relay::{Streams, Truncated};
use crate::signals::{Asked, Signals, stop_self};
use crate::text;

/// How a command ended, as far as the kernel tells.
#[derive(Debug, Default)]
pub(crate) struct End {
    /// None when it was never started, or init is gone.
    pub(crate) status: Option<ExitStatus>,
    /// Why it was never started.
    pub(crate) failure: Option<Failure>,
    /// Whether the deadline passed first.
    pub(crate) timed_out: bool,
    /// The limit for which we ended it.
    pub(crate) breach: Option<Breach>,
    /// Output beyond its limit.
    pub(crate) truncated: Truncated,
    /// Output that its reader did not take in time.
    pub(crate) untaken: Truncated,
    /// Whether it left no process running.
    pub(crate) alone: bool,
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

/// The supervisor at work on one command.
pub(crate) struct Watch<'r> {
    /// Which command of the sandbox.
    exec: u32,
    monitor: Monitor<'r>,
    /// Where not every program can be executed.
    onlooker: Option<Onlooker>,
    signals: Signals,
    /// The next thing to do to a command that must end, and when.
    next: Option<(Instant, Measure)>,
    grace: Duration,
    /// What all reaped processes used.
    reaped: Usage,
    finish: Finish,
    /// What a person has yet to hear.
    waiting: Vec<Alert>,
    end: End,
}

/// What is done to a command that must end, each when the one before did not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// The deadline has passed: SIGTERM to every process.
    Terminate,
    /// SIGKILL to every process.
    Kill,
    /// Init does not answer: it is killed, and the kernel ends the rest.
    GiveUp,
}

/// What `poll` found.
#[derive(Default)]
struct Woken {
    reported: bool,
    signalled: bool,
    alarmed: bool,
    asked: bool,
}

/// A line of `--json` output.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "type")]
enum Event<'a> {
    Alert(&'a Alert),
    Denial(&'a Denial),
}

/// The finest that `poll(2)` can wait.
const TICK: Duration = Duration::from_millis(1);
/// How long the reader of our output may take nothing, once we have ended the command.
const READERS_PATIENCE: Duration = Duration::from_secs(1);
/// How long nothing may come of an output that somebody else than the command holds open.
const LEFT_BEHIND: Duration = Duration::from_millis(50);
/// How long init may take to report the end of a command that was killed.
const PATIENCE: Duration = Duration::from_millis(500);

impl<'r> Watch<'r> {
    /// Takes over the signals of the process.
    pub(crate) fn new(
        exec: u32,
        deadline: Option<Instant>,
        grace: Duration,
        monitor: Monitor<'r>,
    ) -> Result<Self, Error> {
        let signals = Signals::block()?;
        let next = deadline.map(|at| (at, Measure::Terminate));
        let (reaped, finish, end) = (Usage::default(), Finish::default(), End::default());
        let onlooker = None;
        Ok(Self { exec, monitor, onlooker, signals, next, grace, reaped, finish, waiting: Vec::new(), end })
    }

    /// The same with a look at what is executed.
    pub(crate) fn looking_on(self, onlooker: Option<Onlooker>) -> Self {
        Self { onlooker, ..self }
    }

    /// Serves the command until it has ended, ends the sandbox, and hands on what is left of its output.
    pub(crate) fn until_the_end(mut self, mut sandbox: Sandbox, streams: &mut Streams) -> Result<End, Error> {
        while !self.step(&mut sandbox, streams)? {}
        self.end.measured = self.monitor.into_measured(self.finish, self.reaped);
        self.end.kept = sandbox.into_kept();
        self.end.refused = self.onlooker.map(Onlooker::into_refused).unwrap_or_default();
        hand_on(self.signals, self.end, streams, None)
    }

    /// Serves the command until it has ended, and hands on its output. The sandbox lives on, unless init
    /// ended or was given up ([`End::status`] and [`End::failure`] say nothing, or [`End::given_up`]).
    pub(crate) fn until_the_command_ends(
        mut self,
        sandbox: &mut Sandbox,
        streams: &mut Streams,
    ) -> Result<End, Error> {
        while !self.step(sandbox, streams)? {}
        self.end.measured = self.monitor.into_measured(self.finish, self.reaped);
        // What was left running may hold the output open for as long as it likes.
        let patience = (!self.end.alone).then_some(LEFT_BEHIND);
        hand_on(self.signals, self.end, streams, patience)
    }

    /// Waits for something to happen and answers it; true when the command has ended.
    fn step(&mut self, sandbox: &mut Sandbox, streams: &mut Streams) -> Result<bool, Error> {
        let Woken { reported, signalled, alarmed, asked } = self.wait(sandbox, streams)?;
        if asked {
            self.look_on(streams)?;
        }
        if signalled {
            self.answer_signals(sandbox, streams)?;
        }
        self.keep_the_limits(sandbox, streams, alarmed);
        if self.keep_the_deadline(sandbox)? {
            return Ok(true);
        }
        if reported { self.take_report(sandbox, streams) } else { Ok(false) }
    }

    fn wait(&self, sandbox: &Sandbox, streams: &mut Streams) -> Result<Woken, Error> {
        // Rounded up, or the last millisecond would be spent in a busy loop.
        let left = |at: Instant| at.saturating_duration_since(Instant::now()) + TICK;
        let next = self.next.map(|(at, _)| at).into_iter().chain(self.monitor.due()).min();
        let timeout = next.map(left).into_iter().chain(streams.listen()?).min();
        let timeout =
            timeout.map_or(PollTimeout::NONE, |left| PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
        let alarm = self.monitor.alarm();
        let listener = self.onlooker.as_ref().and_then(Onlooker::listener);
        let ours = [sandbox.as_fd(), self.signals.as_fd()].into_iter().chain(alarm).chain(listener);
        let mut polled: Vec<PollFd<'_>> = ours.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let ours = polled.len();
        polled.extend(streams.polled());
        match poll(&mut polled, timeout) {
            Err(nix::errno::Errno::EINTR) => return Ok(Woken::default()),
            other => other.map_err(|errno| Error::System("poll", errno.into()))?,
        };
        let ready: Vec<bool> = polled.iter().map(|fd| fd.any().unwrap_or(true)).collect();
        drop(polled);
        streams.advance(&ready[ours..])?;
        let alarmed = alarm.is_some() && ready[2];
        let asked = listener.is_some() && ready[ours - 1];
        Ok(Woken { reported: ready[0], signalled: ready[1], alarmed, asked })
    }

    /// Programs wait meanwhile.
    fn look_on(&mut self, streams: &mut Streams) -> Result<(), Error> {
        let Some(onlooker) = &mut self.onlooker else { return Ok(()) };
        let looked = onlooker.look(&mut |denial| streams.tell(&Event::Denial(denial)));
        looked.map_err(|error| Error::System("ioctl(SECCOMP_IOCTL_NOTIF)", error))
    }

    fn take_report(&mut self, sandbox: &mut Sandbox, streams: &mut Streams) -> Result<bool, Error> {
        let Some((report, descriptor)) = sandbox.next_report()? else { return Ok(true) };
        match report {
            Report::Ready { guards, .. } => self.end.guards = guards,
            Report::Started { guards, .. } => {
                self.end.guards.extend(guards);
                self.monitor.begin(sandbox.init(), sandbox.kept());
                self.onlooker.iter_mut().for_each(Onlooker::has_started);
                if let Some(terminal) = descriptor {
                    streams.attach(terminal)?;
                }
            }
            Report::Failed(failure) | Report::NotStarted { failure, .. } => {
                self.end.failure = Some(failure);
                return Ok(true);
            }
            Report::Observed { .. } => {
                self.onlooker
                    .iter_mut()
                    .zip(descriptor)
                    .for_each(|(onlooker, listener)| onlooker.begin(listener));
            }
            Report::Exited { status, usage, others, over, alone, .. } => {
                self.end.status = Some(status);
                self.end.alone = alone;
                self.reaped = usage;
                self.finish = self.monitor.finish(sandbox.kept(), status, others, over);
                return Ok(true);
            }
            // Answers to somebody who waited for them.
            Report::Remounted(_) | Report::Quiet(_) => {}
        }
        Ok(false)
    }

    fn answer_signals(&mut self, sandbox: &Sandbox, streams: &mut Streams) -> Result<(), Error> {
        while let Some(asked) = self.signals.next() {
            match asked {
                Asked::Forward(signal) => self.forward(signal, sandbox)?,
                Asked::Resize => streams.resize(),
                Asked::Stop => {
                    sandbox.signal(self.exec, Signal::SIGSTOP as i32)?;
                    streams.restore();
                    stop_self().map_err(|error| Error::System("sigprocmask(SIGTSTP)", error))?;
                    streams.resume();
                    sandbox.signal(self.exec, Signal::SIGCONT as i32)?;
                }
                Asked::Continue => {
                    sandbox.signal(self.exec, Signal::SIGCONT as i32)?;
                    streams.resume();
                }
            }
        }
        Ok(())
    }

    /// The command may handle any of them and go on; but who terminates the supervisor wants an end
    /// of the run, so SIGTERM begins the grace.
    fn forward(&mut self, signal: Signal, sandbox: &Sandbox) -> Result<(), Error> {
        sandbox.signal(self.exec, signal as i32)?;
        if signal == Signal::SIGTERM && self.next.is_none_or(|(_, next)| next == Measure::Terminate) {
            self.next = Some((Instant::now() + self.grace, Measure::Kill));
        }
        Ok(())
    }

    /// Looks whether a limit is passed, and if so kills every process at once.
    fn keep_the_limits(&mut self, sandbox: &Sandbox, streams: &mut Streams, alarmed: bool) {
        if alarmed {
            self.monitor.heed();
        }
        let (breach, alerts) = self.monitor.look(sandbox.kept(), streams.handed_on());
        alerts.iter().for_each(|alert| streams.tell(&Event::Alert(alert)));
        // How the command ends tells of the limit that it ends at.
        self.waiting.extend(alerts.iter().filter(|alert| !alert.is_of(breach.map(|breach| breach.limit))));
        self.tell_person(streams);
        let over = breach.is_some() || streams.truncated().any();
        if over && !self.end.timed_out && self.end.breach.is_none() && !self.is_killing() {
            self.end.breach = breach;
            self.next = Some((Instant::now(), Measure::Kill));
        }
    }

    /// Tells a person what happened, each thing once. What cannot be told now is told later, or at the end.
    fn tell_person(&mut self, streams: &mut Streams) {
        let noted = &mut self.end.noted;
        self.waiting.retain(|alert| {
            let is_new = !noted.iter().any(|known| known.is_about(alert));
            let told = is_new && streams.note(&text::note(&alert.text()));
            noted.extend(told.then_some(*alert));
            is_new && !told
        });
    }

    fn is_killing(&self) -> bool {
        matches!(self.next, Some((_, Measure::Kill | Measure::GiveUp)))
    }

    /// Takes the next measure when its time has come; true when there is nothing left to wait for. A
    /// stopped process gets SIGCONT too, or it could not act on SIGTERM.
    fn keep_the_deadline(&mut self, sandbox: &Sandbox) -> Result<bool, Error> {
        let now = Instant::now();
        let Some((_, measure)) = self.next.filter(|(at, _)| *at <= now) else { return Ok(false) };
        match measure {
            Measure::Terminate => {
                self.end.timed_out = true;
                sandbox.signal_all(Signal::SIGTERM as i32)?;
                sandbox.signal_all(Signal::SIGCONT as i32)?;
                self.next = Some((now + self.grace, Measure::Kill));
            }
            Measure::Kill => {
                sandbox.signal_all(Signal::SIGKILL as i32)?;
                self.next = Some((now + PATIENCE, Measure::GiveUp));
            }
            Measure::GiveUp => {
                // With init the kernel kills the rest.
                self.end.status = Some(ExitStatus::Signal(Signal::SIGKILL as i32));
                self.end.given_up = true;
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A reader of our output may have stopped reading; from here on a signal ends us.
fn hand_on(
    signals: Signals,
    mut end: End,
    streams: &mut Streams,
    patience: Option<Duration>,
) -> Result<End, Error> {
    signals.release();
    // Whoever set a limit is not to wait for a reader who takes nothing.
    let ended_by_us = end.timed_out || end.breach.is_some() || streams.truncated().any();
    streams.drain(patience.or(ended_by_us.then_some(READERS_PATIENCE)))?;
    (end.truncated, end.untaken) = (streams.truncated(), streams.untaken());
    Ok(end)
}
