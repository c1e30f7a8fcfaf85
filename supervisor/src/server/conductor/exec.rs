//! One command of a session: what it says, and how it ends.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use rustix::io::Errno;

use super::call::Then;
use super::input::Input;
use super::waiting::Waiting;
use crate::outcome::Outcome;
use crate::protocol::{ExecState, Finished, Json, StreamName};
use crate::relay::Truncated;
use crate::server::store::{Store, Told};
use crate::watch::Output;

/// A command, for as long as somebody may ask for it.
pub(super) struct Exec {
    pub(super) name: String,
    pub(super) store: Arc<Store>,
    /// The connection that asked for it.
    pub(super) owner: u64,
    pub(super) sources: Vec<Source>,
    /// The command's ends of its pipes, until it has ended: else each would tell that it is closed just before that.
    pub(super) held: Vec<OwnedFd>,
    pub(super) input: Input,
    /// It is known to have started: by the sandbox's word, or by its own, if that comes first.
    pub(super) started: bool,
    /// Until then it may take to tell that it has started: what comes soon is told in one.
    pub(super) hushed: Option<Instant>,
    /// How much it may say.
    pub(super) limit: Option<u64>,
    pub(super) passed: Output,
    /// What is shown of its terminal is read, and what is typed written here.
    pub(super) terminal: Option<Arc<OwnedFd>>,
    pub(super) state: State,
    pub(super) waiting: Vec<Waiting>,
    /// Of what we do ourselves: nobody else hears of it.
    pub(super) then: Option<Then>,
}

/// An output that is not at its end.
pub(super) struct Source {
    pub(super) from: Arc<OwnedFd>,
    pub(super) stream: StreamName,
}

pub(super) enum State {
    Running,
    /// It has ended; somebody else may hold its output open until then.
    Ending {
        until: Instant,
        outcome: Box<Outcome>,
    },
    Ended(Ended),
}

/// How it ended.
#[derive(Clone)]
pub(super) struct Ended {
    pub(super) outcome: Json,
    pub(super) exit_code: Option<i32>,
}

/// As much as a pipe holds.
const CHUNK: usize = 64 * 1024;

impl Exec {
    /// One that has just been begun; what it hears and says is its maker's to give.
    pub(super) fn new(name: String, store: Arc<Store>) -> Self {
        Self {
            name,
            store,
            owner: 0,
            sources: Vec::new(),
            held: Vec::new(),
            input: Input::default(),
            started: false,
            hushed: None,
            limit: None,
            passed: Output::default(),
            terminal: None,
            state: State::Running,
            waiting: Vec::new(),
            then: None,
        }
    }

    /// What is known of it now.
    pub(super) fn finished(&self) -> Finished {
        let ended = match &self.state {
            State::Ended(ended) => Some(ended),
            _ => None,
        };
        Finished {
            session: self.store.session.clone(),
            exec: self.name.clone(),
            state: if ended.is_some() { ExecState::Exited } else { ExecState::Running },
            exit_code: ended.and_then(|ended| ended.exit_code),
            outcome: ended.map(|ended| ended.outcome.clone()),
        }
    }

    pub(super) fn attach(&mut self, master: OwnedFd) {
        // Of a terminal that will not be read in turn nothing is read at all.
        if rustix::io::ioctl_fionbio(&master, true).is_err() {
            return;
        }
        let master = Arc::new(master);
        self.sources.push(Source { from: Arc::clone(&master), stream: StreamName::Stdout });
        self.input.attach(Arc::clone(&master));
        self.terminal = Some(master);
    }

    /// Reads a source so often; false at its end.
    pub(super) fn read(&mut self, at: usize, turns: usize) -> bool {
        let Some(Source { from, stream }) = self.sources.get(at) else { return true };
        // Not filled with zeros for each of many reads, and not on the stack, where every session would keep it.
        let mut buffer = Box::<[u8]>::new_uninit_slice(CHUNK);
        for _ in 0..turns {
            match rustix::io::read(from, &mut *buffer) {
                Ok(([], _)) => return false,
                Ok((read, _)) => {
                    let length = read.len();
                    let room = self.limit.map_or(u64::MAX, |limit| limit - self.passed.handed_on);
                    let passing = length.min(usize::try_from(room).unwrap_or(usize::MAX));
                    note_start(&mut self.started, &self.store);
                    self.hushed = None;
                    self.store.output(*stream, &read[..passing]);
                    self.passed.handed_on += passing as u64;
                    let cut = (length - passing) as u64;
                    let cut = match stream {
                        StreamName::Stdout => Truncated::of(cut, 0),
                        StreamName::Stderr => Truncated::of(0, cut),
                    };
                    self.passed.truncated = self.passed.truncated.and(cut);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return true,
                // A terminal that nobody has open any more.
                Err(_) => return false,
            }
        }
        true
    }

    /// Reads all that is there, and forgets what is at its end.
    pub(super) fn read_all(&mut self, turns: usize) {
        for at in (0..self.sources.len()).rev() {
            if !self.read(at, turns) {
                self.sources.remove(at);
            }
        }
    }

    /// Tells its end to everybody.
    pub(super) fn end(&mut self, outcome: &Outcome) {
        let exit_code = outcome.exit_code;
        self.ended(Ended { outcome: Json::of(outcome), exit_code });
    }

    pub(super) fn ended(&mut self, ended: Ended) {
        self.store.note(Told::Exited(ended.outcome.clone()));
        (self.state, self.hushed) = (State::Ended(ended), None);
        self.input.close();
        // One write tells the end and answers.
        self.answer();
        if self.sources.is_empty() { self.store.end() } else { self.store.wake() }
    }
}

/// Notes that an exec has started; false if that is known.
pub(super) fn note_start(started: &mut bool, store: &Store) -> bool {
    let is_new = !std::mem::replace(started, true);
    if is_new {
        store.note(Told::Started);
    }
    is_new
}
