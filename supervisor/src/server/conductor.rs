//! The thread of a session: it alone works with the sandbox, and does one thing after the other.
//!
//! ```text
//!   orders ──▶ │            │ ◀── reports of init
//!   deadlines ▶│ conductor  │ ◀── output of the commands ──▶ stores ──▶ connections
//!              │            │ ──▶ their input
//! ```

mod call;
mod exec;
mod execs;
mod input;
mod patching;
mod reload;
mod sources;
mod starting;
mod waiting;

use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clearing_runtime::spec::Others;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::Server;
use super::handle::Handle;
use super::rest::Rest;
use super::seats::Seat;
use super::store::Shelf;
use crate::error::Error;
use crate::live::{Happened, LiveSandbox};
use crate::protocol::{EndedBy, Fault, SessionChanged, SessionCreate};
use execs::Execs;
use patching::Patching;

pub(crate) use call::Called;

/// A session at work.
pub(crate) struct Conductor {
    pub(crate) server: Arc<Server>,
    pub(crate) handle: Arc<Handle>,
    /// None once it is given up.
    live: Option<LiveSandbox>,
    execs: Execs,
    /// Where they keep what they say.
    shelf: Arc<Shelf>,
    patching: Patching,
    idle: Option<Duration>,
    /// When its time is over.
    over: Option<Instant>,
    used: Instant,
    leaving: Leaving,
    /// Why, and the connection that asked for it, if one did.
    ended_by: (EndedBy, Option<u64>),
    rest: Rest,
    /// Its place among those that the server holds.
    seat: Option<Seat>,
    /// Done when all is given up.
    farewells: Vec<Farewell>,
}

/// Hears how giving it up went.
type Farewell = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// Whether the session is to be given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leaving {
    Not,
    /// When no command runs any more.
    WhenDone,
    /// Whatever runs.
    Now,
}

/// What `poll` found.
struct Ready {
    is_order: bool,
    is_anything: bool,
    live: Vec<bool>,
    /// Exec and number of the source.
    sources: Vec<(u32, usize)>,
    inputs: Vec<u32>,
}

impl Conductor {
    pub(super) fn new(
        server: Arc<Server>,
        handle: Arc<Handle>,
        live: LiveSandbox,
        asked: &SessionCreate,
    ) -> Self {
        let now = Instant::now();
        let (idle, lifetime) = (server.options.idle, server.options.lifetime);
        let over = lifetime.and_then(|time| now.checked_add(time));
        let (execs, shelf, farewells) = (Execs::default(), Shelf::new(&server.room), Vec::new());
        let (leaving, mut rest) = (Leaving::Not, Rest::default());
        rest.put_off();
        let ended_by = (EndedBy::Sandbox, None);
        let live = Some(live);
        let mut conductor = Self {
            server,
            handle,
            live,
            execs,
            shelf,
            patching: Patching::default(),
            idle,
            over,
            used: now,
            leaving,
            ended_by,
            rest,
            seat: None,
            farewells,
        };
        conductor.bound(asked);
        conductor
    }

    /// From now on it may live for as long as is asked for; what is not asked for stays as it was.
    pub(super) fn bound(&mut self, asked: &SessionCreate) {
        if let Some(time) = asked.idle_ms {
            self.idle = Some(Duration::from_millis(time));
        }
        if let Some(time) = asked.lifetime_ms {
            self.over = Instant::now().checked_add(Duration::from_millis(time));
        }
    }

    /// Has this place until it is given up.
    pub(super) fn sit(&mut self, seat: Seat) {
        self.seat = Some(seat);
    }

    /// Works until the session is given up.
    pub(super) fn conduct(mut self) {
        while !self.is_over() {
            self.carry_out_orders();
            self.heed_the_end_of_the_sandbox();
            if self.is_over() {
                break;
            }
            if let Err(error) = self.step() {
                super::log(&format!("session {}: {}", self.handle.id, error.message()));
                self.leaving = Leaving::Now;
            }
            self.heed_the_end_of_the_sandbox();
        }
        self.leave();
    }

    /// The sandbox; an error once it is gone.
    pub(crate) fn live(&mut self) -> Result<&mut LiveSandbox, Fault> {
        self.live.as_mut().ok_or_else(|| Error::SandboxEnded.into())
    }

    /// Gives the session up, and does something then.
    pub(crate) fn give_up(
        &mut self,
        leaving: Leaving,
        farewell: impl FnOnce(Result<(), Error>) + Send + 'static,
    ) {
        self.leaving = self.leaving.max(leaving);
        self.farewells.push(Box::new(farewell));
    }

    /// The same, as a connection asked for.
    pub(crate) fn destroy(&mut self, asked: u64, farewell: impl FnOnce(Result<(), Error>) + Send + 'static) {
        self.ended_by = (EndedBy::Destroyed, Some(asked));
        self.give_up(Leaving::Now, farewell);
    }

    fn is_over(&self) -> bool {
        match self.leaving {
            Leaving::Now => true,
            Leaving::WhenDone => self.execs.running() == 0,
            Leaving::Not => false,
        }
    }

    /// Does what was asked for, for a while: deadlines, limits and what the commands say have their turn however
    /// much there is of it.
    fn carry_out_orders(&mut self) {
        let until = Instant::now() + TURN;
        while let Some(order) = self.handle.next_order() {
            order(self);
            self.used = Instant::now();
            if self.used >= until {
                return self.handle.remind();
            }
        }
    }

    /// A sandbox may end while something is done in it, and has nothing to tell any more.
    fn heed_the_end_of_the_sandbox(&mut self) {
        if !self.live.as_ref().is_some_and(LiveSandbox::is_alive) {
            self.leaving = Leaving::Now;
        }
    }

    /// Waits for something to happen, and does what follows from it.
    fn step(&mut self) -> Result<(), Error> {
        let Some(ready) = self.wait()? else { return Ok(()) };
        match ready.is_anything {
            true => self.rest.put_off(),
            false => self.rest.begin(),
        }
        if ready.is_order {
            self.handle.heed();
        }
        self.pump(&ready.sources);
        self.feed(&ready.inputs);
        self.advance(&ready.live)?;
        self.finish_what_has_ended();
        self.answer_whoever_waited();
        self.execs.tell_what_was_hushed();
        self.heed_the_limits();
        self.handle.running.store(self.execs.running(), Ordering::Relaxed);
        Ok(())
    }

    fn wait(&self) -> Result<Option<Ready>, Error> {
        let live = self.live.as_ref().ok_or(Error::SandboxEnded)?;
        let mut polled = vec![PollFd::new(self.handle.as_fd(), PollFlags::POLLIN)];
        polled.extend(live.polled());
        let ours = polled.len();
        let sources = self.execs.sources();
        polled.extend(sources.iter().map(|(_, _, fd)| PollFd::new(fd.as_fd(), PollFlags::POLLIN)));
        let inputs = self.execs.inputs();
        polled.extend(inputs.iter().map(|(_, fd)| PollFd::new(*fd, PollFlags::POLLOUT)));
        let is_anything = match poll(&mut polled, self.patience(live)) {
            Err(nix::errno::Errno::EINTR) => return Ok(None),
            other => other.map_err(|errno| Error::System("poll", errno.into()))? > 0,
        };
        let ready: Vec<bool> = polled.iter().map(|fd| fd.any().unwrap_or(true)).collect();
        let of_sources = &ready[ours..ours + sources.len()];
        let of_inputs = &ready[ours + sources.len()..];
        Ok(Some(Ready {
            is_order: ready[0],
            is_anything,
            live: ready[1..ours].to_vec(),
            sources: sources
                .iter()
                .zip(of_sources)
                .filter(|(_, is)| **is)
                .map(|(it, _)| (it.0, it.1))
                .collect(),
            inputs: inputs.iter().zip(of_inputs).filter(|(_, is)| **is).map(|(it, _)| it.0).collect(),
        }))
    }

    /// Until the next thing is due.
    fn patience(&self, live: &LiveSandbox) -> PollTimeout {
        let idle =
            self.idle.filter(|_| self.execs.running() == 0).and_then(|idle| self.used.checked_add(idle));
        let due = live.due().into_iter().chain(self.execs.due()).chain(self.over).chain(idle);
        let due = due.chain(self.rest.due()).min();
        // Rounded up, or the last millisecond would be spent in a busy loop.
        let left = |at: Instant| at.saturating_duration_since(Instant::now()) + Duration::from_micros(999);
        due.map_or(PollTimeout::NONE, |at| PollTimeout::try_from(left(at)).unwrap_or(PollTimeout::MAX))
    }

    fn advance(&mut self, ready: &[bool]) -> Result<(), Error> {
        let Self { live, execs, server, .. } = self;
        let live = live.as_mut().ok_or(Error::SandboxEnded)?;
        let mut happened: Vec<(u32, Happened)> = Vec::new();
        let advanced = live.advance(ready, &mut |exec, what| happened.push((exec, what)));
        for (exec, what) in happened {
            if matches!(what, Happened::Denial(_)) {
                server.metrics.denied(1);
            }
            execs.take(exec, what);
        }
        advanced
    }

    /// A session that nobody used for so long, or that had its time, is given up.
    fn heed_the_limits(&mut self) {
        let now = Instant::now();
        if self.over.is_some_and(|over| over <= now) {
            (self.leaving, self.ended_by) = (Leaving::Now, (EndedBy::Lifetime, None));
        }
        if self.execs.running() > 0 {
            self.used = now;
        } else if self.idle.is_some_and(|idle| now.duration_since(self.used) >= idle) {
            (self.leaving, self.ended_by) = (Leaving::Now, (EndedBy::Idle, None));
        }
    }

    /// Ends all that runs and gives the session back; whoever waits for something hears of it.
    fn leave(mut self) {
        let live = self.live.take();
        // Nobody finds it here any more, and who looks on disk waits until it is given back.
        live.iter().for_each(LiveSandbox::leave);
        self.server.forget(&self.handle);
        let ended = self.end(live);
        self.answer_whoever_waited();
        if let Err(error) = &ended {
            super::log(&format!("session {}: {}", self.handle.id, error.message()));
        }
        // By now nobody finds it any more, and what was found before is not carried out.
        drop(self.handle.close());
        self.patching = Patching::default();
        // Whoever hears of the end may ask for another one, and has the room that what was said took here.
        self.seat = None;
        self.execs = Execs::default();
        if !self.server.is_ending() {
            let (why, asked) = self.ended_by;
            self.handle.tell(SessionChanged::ended(why), asked);
        }
        let mut told = Some(ended);
        for farewell in std::mem::take(&mut self.farewells) {
            farewell(told.take().unwrap_or(Ok(())));
        }
    }

    fn end(&mut self, live: Option<LiveSandbox>) -> Result<(), Error> {
        let Some(mut live) = live else { return Ok(()) };
        // What runs gets its outcome; a sandbox that is gone already has told all.
        let quiet = if live.is_alive() { live.await_quiet(Others::End) } else { Ok(()) };
        let told = self.hear_the_last(&mut live);
        self.finish_at_once();
        quiet.and(told).and(live.end().map_err(Error::from))
    }

    /// Takes what is told of the ends of all commands, which comes soon after they ended.
    fn hear_the_last(&mut self, live: &mut LiveSandbox) -> Result<(), Error> {
        let until = Instant::now() + LAST_WORDS;
        loop {
            let mut polled = live.polled();
            let left = until.saturating_duration_since(Instant::now());
            let left = if self.execs.running_of(None).is_empty() { Duration::ZERO } else { left };
            let _ = poll(&mut polled, PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO));
            let ready: Vec<bool> = polled.iter().map(|fd| fd.any().unwrap_or(true)).collect();
            drop(polled);
            live.advance(&ready, &mut |exec, what| self.execs.take(exec, what))?;
            if left.is_zero() {
                return Ok(());
            }
        }
    }
}

/// How long orders are carried out before all else has its turn.
const TURN: Duration = Duration::from_millis(5);
/// How long what was killed may take to be told.
const LAST_WORDS: Duration = Duration::from_secs(1);
