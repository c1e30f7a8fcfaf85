//! The commands of a session: what they say, and how they end.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use serde_json::Value;

use super::Conductor;
use super::call::Then;
use super::input::Input;
use super::waiting::Waiting;
use crate::live::Happened;
use crate::outcome::Outcome;
use crate::protocol::{ExecState, Fault, Finished, Json, StreamName};
use crate::relay::Truncated;
use crate::server::store::{Store, Told};
use crate::watch::Output;

/// The commands of a session, by their numbers.
#[derive(Default)]
pub(super) struct Execs {
    all: BTreeMap<u32, Exec>,
    names: HashMap<String, u32>,
    /// Those that have ended, oldest first.
    ended: VecDeque<u32>,
    given: u64,
    denied: u32,
}

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

/// A command that ends within this tells its start and its end in one.
const SOON: Duration = Duration::from_millis(1);
/// How long what was left running may hold up the end of a command whose output it has.
const LEFT_BEHIND: Duration = Duration::from_millis(50);
/// So many that have ended are kept in mind.
const REMEMBERED: usize = 64;
/// So often a source is read before the others have their turn.
const TURNS: usize = 4;
/// As much as a pipe holds.
const CHUNK: usize = 64 * 1024;

impl Execs {
    /// From now on it is found by its name, unless it is of what we do ourselves.
    pub(super) fn add(&mut self, number: u32, exec: Exec) {
        if exec.then.is_none() {
            self.names.insert(exec.name.clone(), number);
        }
        self.all.insert(number, exec);
    }

    /// A name that no other exec has or had.
    pub(super) fn free_name(&mut self) -> String {
        loop {
            self.given += 1;
            let name = format!("e{}", self.given);
            if !self.names.contains_key(&name) {
                return name;
            }
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.names.get(name).copied()
    }

    pub(super) fn get(&mut self, number: u32) -> Option<&mut Exec> {
        self.all.get_mut(&number)
    }

    pub(super) fn by_name(&mut self, name: &str) -> Option<(u32, &mut Exec)> {
        let number = self.number(name)?;
        self.all.get_mut(&number).map(|exec| (number, exec))
    }

    /// How many were refused before they had a number.
    pub(super) fn next_denied(&mut self) -> u32 {
        self.denied += 1;
        u32::MAX - self.denied
    }

    pub(super) fn each(&mut self, act: impl FnMut(&mut Exec)) {
        self.all.values_mut().for_each(act);
    }

    /// How many have not ended.
    pub(super) fn running(&self) -> usize {
        self.all.values().filter(|exec| !matches!(exec.state, State::Ended(_))).count()
    }

    /// Those that have not ended, and that this connection asked for.
    pub(super) fn running_of(&self, owner: Option<u64>) -> Vec<u32> {
        let is_of = |exec: &Exec| owner.is_none_or(|owner| exec.owner == owner);
        let running = |exec: &Exec| matches!(exec.state, State::Running);
        self.all.iter().filter(|(_, exec)| running(exec) && is_of(exec)).map(|(number, _)| *number).collect()
    }

    pub(super) fn names_of_running(&self) -> Vec<String> {
        let running = self.all.values().filter(|exec| !matches!(exec.state, State::Ended(_)));
        running.filter(|exec| exec.then.is_none()).map(|exec| exec.name.clone()).collect()
    }

    pub(super) fn kept_output(&self) -> u64 {
        self.all.values().map(|exec| exec.store.size()).sum()
    }

    pub(super) fn sources(&self) -> Vec<(u32, usize, BorrowedFd<'_>)> {
        let mut all = Vec::new();
        for (number, exec) in &self.all {
            let sources = exec.sources.iter().enumerate();
            all.extend(sources.map(|(at, source)| (*number, at, source.from.as_fd())));
        }
        all
    }

    pub(super) fn inputs(&self) -> Vec<(u32, BorrowedFd<'_>)> {
        let wanting = self.all.iter().filter(|(_, exec)| exec.input.has_something());
        wanting.filter_map(|(number, exec)| Some((*number, exec.input.to()?))).collect()
    }

    /// When something is due that nobody tells.
    pub(super) fn due(&self) -> Option<Instant> {
        let ending = self.all.values().filter_map(|exec| match &exec.state {
            State::Ending { until, .. } => Some(*until),
            _ => None,
        });
        let hushed = self.all.values().filter_map(|exec| exec.hushed);
        ending
            .chain(hushed)
            .chain(self.all.values().flat_map(|exec| exec.waiting.iter().filter_map(Waiting::until)))
            .min()
    }

    /// Tells what could not wait any longer.
    pub(super) fn tell_what_was_hushed(&mut self) {
        let now = Instant::now();
        for exec in self.all.values_mut() {
            if exec.hushed.take_if(|until| *until <= now).is_some() {
                exec.store.wake();
            }
        }
    }

    /// Takes what the sandbox tells of an exec.
    pub(super) fn take(&mut self, number: u32, what: Happened) {
        let Some(exec) = self.all.get_mut(&number) else { return };
        match what {
            Happened::Started => {
                if note_start(&mut exec.started, &exec.store) {
                    exec.hushed = Some(Instant::now() + SOON);
                }
            }
            Happened::Terminal(master) => exec.attach(master),
            Happened::Denial(denial) => exec.store.tell(Told::Denial(json(&denial))),
            Happened::Alert(alert) => exec.store.tell(Told::Alert(json(&alert))),
            Happened::Exited(outcome) => {
                exec.held.clear();
                exec.read_all(TURNS * 4);
                let until = Instant::now() + LEFT_BEHIND;
                exec.state = State::Ending { until, outcome };
            }
        }
    }

    /// Forgets those that ended long ago.
    pub(super) fn remember(&mut self, number: u32) {
        self.ended.push_back(number);
        while self.ended.len() > REMEMBERED {
            let Some(oldest) = self.ended.pop_front() else { return };
            if let Some(mut exec) = self.all.remove(&oldest) {
                exec.store.end();
                exec.answer_all();
                if self.names.get(&exec.name) == Some(&oldest) {
                    self.names.remove(&exec.name);
                }
            }
        }
    }
}

impl Exec {
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

    fn attach(&mut self, master: OwnedFd) {
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
}

impl Conductor {
    pub(crate) fn names_of_running(&self) -> Vec<String> {
        self.execs.names_of_running()
    }

    /// What an exec has said, for whoever follows it.
    pub(crate) fn store_of(&mut self, exec: &str) -> Result<Arc<Store>, Fault> {
        let (_, found) = self.execs.by_name(exec).ok_or_else(|| Fault::unknown_exec(exec))?;
        Ok(Arc::clone(&found.store))
    }

    /// Bytes of output that are kept.
    pub(crate) fn kept_output(&self) -> u64 {
        self.execs.kept_output()
    }

    /// Takes what the commands say.
    pub(super) fn pump(&mut self, ready: &[(u32, usize)]) {
        // The last first, so that the places of the others stay.
        for (number, at) in ready.iter().rev() {
            let Some(exec) = self.execs.get(*number) else { continue };
            let is_open = exec.read(*at, TURNS);
            if matches!(exec.state, State::Running)
                && let Some(live) = &mut self.live
            {
                live.output_passed(*number, exec.passed);
            }
            if !is_open {
                exec.sources.remove(*at);
                if exec.sources.is_empty() && matches!(exec.state, State::Ended(_)) {
                    exec.store.end();
                }
            }
        }
    }

    /// Tells the end of each exec that has ended and said all.
    pub(super) fn finish_what_has_ended(&mut self) {
        self.finish(|exec, until| exec.sources.is_empty() || until <= Instant::now());
    }

    /// The same whoever holds their output.
    pub(super) fn finish_at_once(&mut self) {
        self.finish(|_, _| true);
        for exec in self.execs.all.values_mut() {
            exec.held.clear();
            exec.read_all(usize::MAX);
            exec.sources.clear();
            exec.store.end();
        }
    }

    fn finish(&mut self, may: impl Fn(&Exec, Instant) -> bool) {
        let is_due = |exec: &Exec| matches!(&exec.state, State::Ending { until, .. } if may(exec, *until));
        let due: Vec<u32> =
            self.execs.all.iter().filter(|(_, exec)| is_due(exec)).map(|(number, _)| *number).collect();
        for number in due {
            let Some(exec) = self.execs.get(number) else { continue };
            let State::Ending { outcome, .. } = std::mem::replace(&mut exec.state, State::Running) else {
                continue;
            };
            if let Some(then) = exec.then.take() {
                self.execs.all.remove(&number);
                then(self, *outcome);
                continue;
            }
            exec.end(&outcome);
            self.server.metrics.ended(outcome.cause);
            self.execs.remember(number);
        }
    }
}

impl Exec {
    /// Tells its end to everybody.
    fn end(&mut self, outcome: &Outcome) {
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
fn note_start(started: &mut bool, store: &Store) -> bool {
    let is_new = !std::mem::replace(started, true);
    if is_new {
        store.note(Told::Started);
    }
    is_new
}

/// Plain data, as it is told.
pub(super) fn json(what: &impl serde::Serialize) -> Value {
    serde_json::to_value(what).unwrap_or(Value::Null)
}
