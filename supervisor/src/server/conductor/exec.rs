//! One command of a session: what it says, and how it ends.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use super::call::Then;
use super::input::Input;
use super::sources::Sources;
use super::waiting::Waiting;
use crate::outcome::Outcome;
use crate::protocol::{ExecState, Finished, Json};
use crate::server::store::{Store, Told};

/// A command, for as long as somebody may ask for it.
pub(super) struct Exec {
    pub(super) name: String,
    pub(super) store: Arc<Store>,
    /// The connection that asked for it.
    pub(super) owner: u64,
    pub(super) sources: Arc<Sources>,
    /// The command's ends of its pipes, until it has ended: else each would tell that it is closed just before that.
    pub(super) held: Vec<OwnedFd>,
    pub(super) input: Input,
    /// Until then it may take to tell that it has started: what comes soon is told in one.
    pub(super) hushed: Option<Instant>,
    /// What is shown of its terminal is read, and what is typed written here.
    pub(super) terminal: Option<Arc<OwnedFd>>,
    /// The rows and columns that its terminal is to have, where they came before it.
    pub(super) size: Option<(u16, u16)>,
    pub(super) state: State,
    pub(super) waiting: Vec<Waiting>,
    /// Of what we do ourselves: nobody else hears of it.
    pub(super) then: Option<Then>,
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

impl Exec {
    /// One that has just been begun; what it hears and says is its maker's to give.
    pub(super) fn new(name: String, store: Arc<Store>) -> Self {
        Self {
            name,
            owner: 0,
            sources: Sources::new(&store, Vec::new()),
            store,
            held: Vec::new(),
            input: Input::default(),
            hushed: None,
            terminal: None,
            size: None,
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

    /// What is typed goes to this terminal.
    pub(super) fn attach(&mut self, master: Arc<OwnedFd>) {
        // Nobody waits for one that takes nothing.
        if rustix::io::ioctl_fionbio(&master, true).is_ok() {
            if let Some((rows, columns)) = self.size.take() {
                // It has the size that it began with otherwise.
                let _ = crate::terminal::set_size(&master, rows, columns);
            }
            self.input.attach(Arc::clone(&master));
            self.terminal = Some(master);
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
        if self.sources.are_at_their_end() { self.fall_silent() } else { self.store.wake() }
    }

    /// It has ended, and nobody is left who could say anything in its place.
    pub(super) fn fall_silent(&mut self) {
        self.terminal = None;
        self.store.end();
    }
}
