//! Watches over a running command: reports, signals, the deadline, and the streams in between.
//!
//! ```text
//!            deadline            grace over
//!  Running ──────────▶ Ending ──────────────▶ killed ─┐
//!     └───── exited ──────┴───── exited ──────────────┴──▶ drained ──▶ End
//! ```

use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use clearing_runtime::{ExitStatus, Failure, GuardReport, Report, Sandbox, Usage};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

use crate::error::Error;
use crate::plan::EXEC;
use crate::relay::Streams;
use crate::signals::{Asked, Signals, stop_self};

/// How a command ended, as far as the kernel tells.
#[derive(Debug, Default)]
pub(crate) struct End {
    /// None when it was never started, or init is gone.
    pub(crate) status: Option<ExitStatus>,
    /// Why it was never started.
    pub(crate) failure: Option<Failure>,
    /// Whether the deadline passed first.
    pub(crate) timed_out: bool,
    pub(crate) guards: Vec<GuardReport>,
    pub(crate) usage: Usage,
}

/// The supervisor at work on one command.
pub(crate) struct Watch {
    signals: Signals,
    /// The next thing to do to a command that runs too long, and when.
    next: Option<(Instant, Signal)>,
    grace: Duration,
    end: End,
}

impl Watch {
    /// Takes over the signals of the process; call it before the sandbox is launched.
    pub(crate) fn new(deadline: Option<Instant>, grace: Duration) -> Result<Self, Error> {
        let next = deadline.map(|at| (at, Signal::SIGTERM));
        Ok(Self { signals: Signals::block()?, next, grace, end: End::default() })
    }

    /// Serves the command until it has ended, ends the sandbox, and hands on what is left of its output.
    pub(crate) fn until_the_end(mut self, sandbox: Sandbox, streams: &mut Streams) -> Result<End, Error> {
        while !self.step(&sandbox, streams)? {}
        drop(sandbox);
        // A reader of our output may have stopped reading; from here on a signal ends us.
        self.signals.release();
        streams.drain()?;
        Ok(self.end)
    }

    /// Waits for something to happen and answers it; true when the command has ended.
    fn step(&mut self, sandbox: &Sandbox, streams: &mut Streams) -> Result<bool, Error> {
        let (reported, signalled) = self.wait(sandbox, streams)?;
        if signalled {
            self.answer_signals(sandbox, streams)?;
        }
        self.keep_the_deadline(sandbox)?;
        if reported { self.take_report(sandbox, streams) } else { Ok(false) }
    }

    fn wait(&self, sandbox: &Sandbox, streams: &mut Streams) -> Result<(bool, bool), Error> {
        let timeout = self.next.map_or(PollTimeout::NONE, |(at, _)| {
            // Rounded up, or the last millisecond would be spent in a busy loop.
            let left = at.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        let mut polled = vec![
            PollFd::new(sandbox.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
        ];
        polled.extend(streams.polled());
        match poll(&mut polled, timeout) {
            Err(nix::errno::Errno::EINTR) => return Ok((false, false)),
            other => other.map_err(|errno| Error::System("poll", errno.into()))?,
        };
        let ready: Vec<bool> = polled.iter().map(|fd| fd.any().unwrap_or(true)).collect();
        drop(polled);
        streams.advance(&ready[2..])?;
        Ok((ready[0], ready[1]))
    }

    fn take_report(&mut self, sandbox: &Sandbox, streams: &mut Streams) -> Result<bool, Error> {
        let Some((report, terminal)) = sandbox.next_report()? else { return Ok(true) };
        match report {
            Report::Ready(guards) => self.end.guards = guards,
            Report::Started { guards, .. } => {
                self.end.guards.extend(guards);
                if let Some(terminal) = terminal {
                    streams.attach(terminal)?;
                }
            }
            Report::Failed(failure) | Report::NotStarted { failure, .. } => {
                self.end.failure = Some(failure);
                return Ok(true);
            }
            Report::Exited { status, usage, .. } => {
                self.end.status = Some(status);
                self.end.usage = usage;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn answer_signals(&mut self, sandbox: &Sandbox, streams: &mut Streams) -> Result<(), Error> {
        while let Some(asked) = self.signals.next() {
            match asked {
                Asked::Forward(signal) => sandbox.signal(EXEC, signal as i32)?,
                Asked::Resize => streams.resize(),
                Asked::Stop => {
                    sandbox.signal(EXEC, Signal::SIGSTOP as i32)?;
                    streams.restore();
                    stop_self().map_err(|error| Error::System("raise(SIGSTOP)", error))?;
                }
                Asked::Continue => {
                    sandbox.signal(EXEC, Signal::SIGCONT as i32)?;
                    streams.resume();
                }
            }
        }
        Ok(())
    }

    /// SIGTERM to every process at the deadline, SIGKILL when the grace is over. A stopped process
    /// gets SIGCONT too, or it could not act on the first.
    fn keep_the_deadline(&mut self, sandbox: &Sandbox) -> Result<(), Error> {
        let Some((at, signal)) = self.next.filter(|(at, _)| *at <= Instant::now()) else { return Ok(()) };
        self.end.timed_out = true;
        sandbox.signal_all(signal as i32)?;
        sandbox.signal_all(Signal::SIGCONT as i32)?;
        self.next = (signal == Signal::SIGTERM).then(|| (at + self.grace, Signal::SIGKILL));
        Ok(())
    }
}
