//! Attends one command to its end, for a supervisor that does nothing else: its signals, and the streams between
//! the caller and the command.

use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use clearing_runtime::Sandbox;
use clearing_runtime::cgroup::Group;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use serde::Serialize;

use crate::alerts::Alert;
use crate::error::Error;
use crate::limits::Hold;
use crate::monitor::{Beside, Counted, Scene};
use crate::place::Place;
use crate::policy::Denial;
use crate::relay::Streams;
use crate::signals::{Asked, Signals, stop_self};
use crate::text;
use crate::watch::{End, Measure, Output, Pace, Taken, Watch};

/// A supervisor with one command.
pub(crate) struct Attendance<'r> {
    /// Which command of the sandbox.
    exec: u32,
    watch: Watch,
    sandbox: Sandbox,
    group: Option<&'r Group>,
    place: &'r Place,
    signals: Signals,
    /// What a person has yet to hear.
    waiting: Vec<Alert>,
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
/// How long init may take to report the end of a command that was killed.
const PATIENCE: Duration = Duration::from_millis(500);

impl<'r> Attendance<'r> {
    /// Takes over the signals of the process.
    pub(crate) fn begin(
        exec: u32,
        watch: Watch,
        sandbox: Sandbox,
        hold: &'r Hold,
        place: &'r Place,
    ) -> Result<Self, Error> {
        let signals = Signals::block()?;
        Ok(Self { exec, watch, sandbox, group: hold.group(), place, signals, waiting: Vec::new() })
    }

    /// The pace of a sandbox that ends with its command.
    pub(crate) fn pace(grace: Duration) -> Pace {
        Pace { grace, patience: PATIENCE }
    }

    /// The sandbox that the command is to run in.
    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Serves the command until it has ended, ends the sandbox, and hands on what is left of its output.
    pub(crate) fn until_the_end(mut self, streams: &mut Streams) -> Result<End, Error> {
        while !self.step(streams)? {}
        let mut end = self.watch.into_end(Counted::by(self.group), Beside::NeverAnything);
        end.kept = self.sandbox.into_kept();
        hand_on(self.signals, end, streams)
    }

    /// Waits for something to happen and answers it; true when the command has ended.
    fn step(&mut self, streams: &mut Streams) -> Result<bool, Error> {
        let Woken { reported, signalled, alarmed, asked } = self.wait(streams)?;
        if asked {
            self.watch.look_on(&mut |denial| streams.tell(&Event::Denial(denial)))?;
        }
        if signalled {
            self.answer_signals(streams)?;
        }
        self.keep_the_limits(streams, alarmed);
        if self.keep_the_deadline()? {
            return Ok(true);
        }
        if reported { self.take_report(streams) } else { Ok(false) }
    }

    fn wait(&self, streams: &mut Streams) -> Result<Woken, Error> {
        // Rounded up, or the last millisecond would be spent in a busy loop.
        let left = |at: Instant| at.saturating_duration_since(Instant::now()) + TICK;
        let timeout = self.watch.due().map(left).into_iter().chain(streams.listen()?).min();
        let timeout =
            timeout.map_or(PollTimeout::NONE, |left| PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
        let alarm = self.group.and_then(Group::alarm);
        let listener = self.watch.listener();
        let ours = [self.sandbox.as_fd(), self.signals.as_fd()].into_iter().chain(alarm).chain(listener);
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

    fn take_report(&mut self, streams: &mut Streams) -> Result<bool, Error> {
        let Some((report, descriptor)) = self.sandbox.next_report()? else { return Ok(true) };
        let scene = scene(&self.sandbox, self.group, self.place);
        match self.watch.take(report, descriptor, scene) {
            Taken::Nothing | Taken::Started => {}
            Taken::StartedOn(terminal) => streams.attach(terminal)?,
            Taken::Over => return Ok(true),
        }
        Ok(false)
    }

    fn answer_signals(&mut self, streams: &mut Streams) -> Result<(), Error> {
        while let Some(asked) = self.signals.next() {
            match asked {
                Asked::Forward(signal) => {
                    self.signal(signal)?;
                    self.watch.is_sent(signal);
                }
                Asked::Resize => streams.resize(),
                Asked::Stop => {
                    self.signal(Signal::SIGSTOP)?;
                    streams.restore();
                    stop_self().map_err(|error| Error::System("sigprocmask(SIGTSTP)", error))?;
                    streams.resume();
                    self.signal(Signal::SIGCONT)?;
                }
                Asked::Continue => {
                    self.signal(Signal::SIGCONT)?;
                    streams.resume();
                }
            }
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result<(), Error> {
        Ok(self.sandbox.signal(self.exec, signal as i32)?)
    }

    fn keep_the_limits(&mut self, streams: &mut Streams, alarmed: bool) {
        if alarmed {
            self.watch.heed();
        }
        let output = Output { handed_on: streams.handed_on(), truncated: streams.truncated() };
        let scene = scene(&self.sandbox, self.group, self.place);
        let (alerts, breach) = self.watch.keep_the_limits(scene, output);
        alerts.iter().for_each(|alert| streams.tell(&Event::Alert(alert)));
        // How the command ends tells of the limit that it ends at.
        self.waiting.extend(alerts.iter().filter(|alert| !alert.is_of(breach.map(|breach| breach.limit))));
        self.tell_person(streams);
    }

    /// Tells a person what happened, each thing once. What cannot be told now is told later, or at the end.
    fn tell_person(&mut self, streams: &mut Streams) {
        let noted = &mut self.watch.end_so_far().noted;
        self.waiting.retain(|alert| {
            let is_new = !noted.iter().any(|known| known.is_about(alert));
            let told = is_new && streams.note(&text::note(&alert.text()));
            noted.extend(told.then_some(*alert));
            is_new && !told
        });
    }

    /// Takes the next measure when its time has come; true when there is nothing left to wait for.
    fn keep_the_deadline(&mut self) -> Result<bool, Error> {
        match self.watch.measure() {
            None => {}
            Some(Measure::Terminate) => {
                self.sandbox.signal_all(Signal::SIGTERM as i32)?;
                self.sandbox.signal_all(Signal::SIGCONT as i32)?;
            }
            Some(Measure::Kill) => self.sandbox.signal_all(Signal::SIGKILL as i32)?,
            Some(Measure::GiveUp) => return Ok(true),
        }
        Ok(false)
    }
}

fn scene<'a>(sandbox: &'a Sandbox, group: Option<&'a Group>, place: &'a Place) -> Scene<'a> {
    let (kept, init) = (sandbox.kept(), sandbox.init());
    let counted = Counted::by(group);
    Scene { counted, place, kept, init, beside: Beside::NeverAnything }
}

/// A reader of our output may have stopped reading; from here on a signal ends us.
fn hand_on(signals: Signals, mut end: End, streams: &mut Streams) -> Result<End, Error> {
    signals.release();
    // Whoever set a limit is not to wait for a reader who takes nothing.
    let ended_by_us = end.timed_out || end.breach.is_some() || streams.truncated().any();
    streams.drain(ended_by_us.then_some(READERS_PATIENCE))?;
    (end.truncated, end.untaken) = (streams.truncated(), streams.untaken());
    Ok(end)
}
