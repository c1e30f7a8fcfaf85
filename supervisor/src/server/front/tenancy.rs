//! A user's own server, as the front sees it.
//!
//! ```text
//!            somebody connects            it tells its load
//!   Resting ───────────────────▶ Working ───────────────────▶ Working, ready
//!      ▲                            │                            │ nothing to do for long, no word for long,
//!      │ nothing of it is left      │ it ended, or took too long │ it ended, or we do
//!      └───────────── Ending ◀──────┴────────────────────────────┘
//! ```
//! Who connects meanwhile waits, and is handed over when it is ready; each is handed over once or refused once.

use std::collections::VecDeque;
use std::ffi::CString;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

use clearing_runtime::cgroup::Household;
use clearing_runtime::{ExitStatus, Failure, Tenant, TenantSpec, parcel};
use nix::libc::EBUSY;

use super::account::Account;
use super::journal::Journal;
use super::messages::{Load, ask_to_reload, hand_over, hear};
use super::parting::Parting;
use super::refusal::Refusal;
use crate::server::log;

/// So many connections of a user may wait for their server.
const WAITING: usize = 64;
/// How long a server may take to begin.
const TO_BEGIN: Duration = Duration::from_secs(60);
/// How long one may say nothing; it tells its load more often.
const SILENCE: Duration = Duration::from_secs(90);
/// How long what runs may take to end by itself when its server is told to.
const TO_END: Duration = Duration::from_secs(15);
/// How soon it is tried again to remove what is about to end.
const AGAIN: Duration = Duration::from_millis(20);
/// After that long what does not end is left, and told.
const LEFT: Duration = Duration::from_secs(30);
/// How long nobody is let in after a server that did not begin; twice as long after each further one.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// So many words of a server are heard in one turn.
const AT_ONCE: usize = 16;

/// A user with their server, or without.
pub(super) struct Tenancy {
    account: Account,
    state: State,
    waiting: VecDeque<UnixStream>,
    parting: Rc<Parting>,
    /// Servers that did not begin, one after the other, and until when no other is started.
    failures: u32,
    paused: Option<Instant>,
}

enum State {
    Resting,
    Working(Working),
    Ending(Ending),
}

struct Working {
    tenant: Tenant,
    channel: OwnedFd,
    since: Instant,
    /// Connections that it was handed.
    handed: u32,
    /// What it told last, and when.
    load: Option<(Load, Instant)>,
    /// Since when it has nothing to do.
    idle: Option<Instant>,
}

struct Ending {
    tenant: Tenant,
    since: Instant,
    is_reaped: bool,
}

/// What every server of a user is started with.
pub(super) struct Terms {
    pub(super) house: Household,
    pub(super) argv: Vec<CString>,
    /// How long one with nothing to do is kept.
    pub(super) rest: Duration,
}

impl Tenancy {
    /// With nobody waiting; `parting` is where those go who are refused.
    pub(super) fn of(account: Account, parting: Rc<Parting>) -> Self {
        let waiting = VecDeque::new();
        Self { account, state: State::Resting, waiting, parting, failures: 0, paused: None }
    }

    /// Takes a connection of the user.
    pub(super) fn take(&mut self, connection: UnixStream) {
        if self.waiting.len() < WAITING {
            return self.waiting.push_back(connection);
        }
        Refusal::busy(WAITING).tell(connection, &self.parting);
    }

    /// Does whatever is due.
    pub(super) fn turn(&mut self, terms: &Terms) {
        let now = Instant::now();
        match std::mem::replace(&mut self.state, State::Resting) {
            State::Resting if self.waiting.is_empty() => {}
            State::Resting => self.begin(terms, now),
            State::Working(working) => self.work(working, terms, now),
            State::Ending(ending) => self.end_more(ending, now),
        }
    }

    /// Has the server end, and refuses whoever waits for it.
    pub(super) fn end(&mut self) {
        self.refuse_all(&Refusal::ending());
        match std::mem::replace(&mut self.state, State::Resting) {
            State::Working(working) => self.let_go(working),
            other => self.state = other,
        }
    }

    /// Has the server read its settings again; one that is on its way reads them anyway.
    pub(super) fn reload(&self) {
        if let State::Working(Working { channel, load: Some(_), .. }) = &self.state
            && let Err(error) = ask_to_reload(channel)
        {
            log(&format!("the server of `{}` was not asked to reload: {error}", self.account.name()));
        }
    }

    /// Whether nothing is left of it, and nothing is to be remembered: how often it failed is, for some time.
    pub(super) fn is_over(&self) -> bool {
        let is_remembered = self.paused.is_some_and(|until| until + LONGEST_PAUSE > Instant::now());
        matches!(self.state, State::Resting) && self.waiting.is_empty() && !is_remembered
    }

    /// Whether a process of it may be left.
    pub(super) fn is_there(&self) -> bool {
        !matches!(self.state, State::Resting)
    }

    /// What it has to do.
    pub(super) fn load(&self) -> Option<Load> {
        match &self.state {
            State::Working(working) => working.load.map(|(load, _)| load),
            _ => None,
        }
    }

    /// What is to be looked at when it is readable.
    pub(super) fn polled(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let (channel, end) = match &self.state {
            State::Resting => (None, None),
            State::Working(working) => (Some(working.channel.as_fd()), Some(working.tenant.end())),
            State::Ending(ending) => (None, (!ending.is_reaped).then(|| ending.tenant.end())),
        };
        channel.into_iter().chain(end)
    }

    /// When it is to have its turn at the latest.
    pub(super) fn due(&self, terms: &Terms) -> Option<Instant> {
        match &self.state {
            State::Resting => None,
            State::Working(working) => {
                let silence = working.load.map_or(working.since + TO_BEGIN, |(_, heard)| heard + SILENCE);
                let rest = working.idle.map(|since| since + terms.rest);
                // Whoever waits now was not taken: the server is behind.
                let behind =
                    (working.load.is_some() && !self.waiting.is_empty()).then(|| Instant::now() + AGAIN);
                [Some(silence), rest, behind].into_iter().flatten().min()
            }
            State::Ending(ending) if ending.is_reaped => Some(Instant::now() + AGAIN),
            State::Ending(ending) => Some((ending.since + TO_END).max(Instant::now() + AGAIN)),
        }
    }

    fn begin(&mut self, terms: &Terms, now: Instant) {
        if self.paused.is_some_and(|until| until > now) {
            return self.refuse_all(&Refusal::failed(
                "your server did not begin a moment ago; it is tried again soon",
            ));
        }
        match self.start(terms) {
            Ok(working) => {
                log(&format!("process {} serves `{}`", working.tenant.id(), self.account.name()));
                self.state = State::Working(working);
            }
            Err(failure) => self.failed(&format!("your server cannot be started: {failure}")),
        }
    }

    fn start(&self, terms: &Terms) -> Result<Working, Failure> {
        let Account { uid, user, groups } = &self.account;
        let (channel, theirs) = parcel::pair().map_err(|error| Failure::of_channel(&error))?;
        let journal = Journal::of_ours().map_err(|error| Failure::of_channel(&error))?;
        let group = terms.house.give(&format!("user-{uid}"), *uid, user.gid)?;
        let spec = TenantSpec {
            uid: *uid,
            gid: user.gid,
            groups: groups.clone(),
            argv: terms.argv.clone(),
            environment: self.account.environment(journal.as_ref().and_then(|it| it.name.as_deref())),
        };
        let output = journal.as_ref().map(|journal| journal.output.as_fd());
        let tenant = Tenant::start(&spec, group, theirs.as_fd(), output)?;
        Ok(Working { tenant, channel, since: Instant::now(), handed: 0, load: None, idle: None })
    }

    fn work(&mut self, mut working: Working, terms: &Terms, now: Instant) {
        if let Some(status) = working.tenant.reap() {
            return self.died(working, status);
        }
        if let Err(error) = working.listen(now) {
            return self.lost(working, &format!("has hung up: {error}"));
        }
        let Some((_, heard)) = working.load else {
            if now >= working.since + TO_BEGIN {
                return self.lost(working, "did not begin in time");
            }
            return self.state = State::Working(working);
        };
        (self.failures, self.paused) = (0, None);
        if now >= heard + SILENCE {
            return self.lost(working, "says nothing any more");
        }
        while let Some(connection) = self.waiting.front() {
            match hand_over(&working.channel, connection) {
                Ok(()) => (working.handed, working.idle) = (working.handed.wrapping_add(1), None),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(error) => return self.lost(working, &format!("takes no connection: {error}")),
            }
            self.waiting.pop_front();
        }
        match working.idle.is_some_and(|since| now >= since + terms.rest) {
            true => self.let_go(working),
            false => self.state = State::Working(working),
        }
    }

    /// It has ended, and nobody told it to.
    fn died(&mut self, working: Working, status: ExitStatus) {
        let how = match status {
            ExitStatus::Code(code) => format!("code {code}"),
            ExitStatus::Signal(signal) => format!("signal {signal}"),
        };
        log(&format!("the server of `{}` has ended by {how}", self.account.name()));
        self.failed_if_new(&working);
        self.state = State::Ending(Ending { tenant: working.tenant, since: Instant::now(), is_reaped: true });
    }

    /// It is no use any more.
    fn lost(&mut self, working: Working, why: &str) {
        log(&format!("the server of `{}` {why}", self.account.name()));
        self.failed_if_new(&working);
        self.let_go(working);
    }

    /// By hanging up it is told to end.
    fn let_go(&mut self, working: Working) {
        let Working { tenant, channel, .. } = working;
        drop(channel);
        self.state = State::Ending(Ending { tenant, since: Instant::now(), is_reaped: false });
    }

    fn end_more(&mut self, mut ending: Ending, now: Instant) {
        if !ending.is_reaped && ending.tenant.reap().is_some() {
            ending.is_reaped = true;
        }
        if !ending.is_reaped && now < ending.since + TO_END {
            return self.state = State::Ending(ending);
        }
        match ending.tenant.take_back() {
            Ok(()) if ending.is_reaped => {}
            Err(failure) if failure.errno != EBUSY || now > ending.since + LEFT => {
                log(&format!("of the server of `{}` something is left: {failure}", self.account.name()));
            }
            _ => self.state = State::Ending(ending),
        }
    }

    /// Where it never told its load it did not begin.
    fn failed_if_new(&mut self, working: &Working) {
        if working.load.is_none() {
            let why = working.tenant.failure().map(|failure| format!(": {failure}"));
            self.failed(&format!("your server did not begin{}", why.unwrap_or_default()));
        }
    }

    /// A server did not begin: the next one is not started at once.
    fn failed(&mut self, why: &str) {
        log(&format!("user `{}`: {why}", self.account.name()));
        self.refuse_all(&Refusal::failed(why));
        let pause = PAUSE.saturating_mul(1 << self.failures.min(6)).min(LONGEST_PAUSE);
        (self.failures, self.paused) = (self.failures.saturating_add(1), Some(Instant::now() + pause));
    }

    fn refuse_all(&mut self, refusal: &Refusal) {
        self.waiting.drain(..).for_each(|connection| refusal.tell(connection, &self.parting));
    }
}

impl Working {
    /// Hears what it says.
    fn listen(&mut self, now: Instant) -> std::io::Result<()> {
        // One that never stops holds up nobody else.
        for _ in 0..AT_ONCE {
            let Some(load) = hear(&self.channel)? else { break };
            let is_idle = load.taken == self.handed && (load.open, load.sessions, load.execs) == (0, 0, 0);
            self.idle = is_idle.then(|| self.idle.unwrap_or(now));
            self.load = Some((load, now));
        }
        Ok(())
    }
}
