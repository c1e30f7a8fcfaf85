//! The commands of a session: what they say, and how they end.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Conductor;
use super::exec::{Exec, State};
use super::sources::Sources;
use super::waiting::Waiting;
use crate::live::Happened;
use crate::protocol::Fault;
use crate::server::store::{Store, Told};

/// The commands of a session, by their numbers.
#[derive(Default)]
pub(super) struct Execs {
    all: BTreeMap<u32, Exec>,
    names: HashMap<String, u32>,
    /// Those that have ended, oldest first.
    ended: VecDeque<u32>,
    /// Of those that are forgotten, what others may still say whom they left running: it is read, for they would be
    /// killed by a pipe that nobody has open, and heard by nobody.
    left: BTreeMap<u32, Arc<Sources>>,
    given: u64,
    denied: u32,
}

/// A command that ends within this tells its start and its end in one.
const SOON: Duration = Duration::from_millis(1);
/// How long what was left running may hold up the end of a command whose output it has.
const LEFT_BEHIND: Duration = Duration::from_millis(50);
/// So many that have ended are kept in mind.
const REMEMBERED: usize = 64;
/// So often a source is read before the others have their turn.
const TURNS: usize = 4;
/// What was refused is numbered down from here, what the sandbox begins up from its first number.
const LAST_NUMBER: u32 = u32::MAX;

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

    /// A number for one that was refused before the sandbox gave it one.
    pub(super) fn next_denied(&mut self) -> u32 {
        self.denied += 1;
        LAST_NUMBER - self.denied
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

    /// The exec and the place of each with it.
    pub(super) fn sources(&self) -> Vec<(u32, usize, Arc<OwnedFd>)> {
        let mut all = Vec::new();
        let of_all = self.all.iter().map(|(number, exec)| (number, &exec.sources));
        for (number, sources) in of_all.chain(&self.left) {
            let open = sources.open().into_iter().enumerate();
            all.extend(open.map(|(at, source)| (*number, at, source)));
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
                if exec.sources.note_start() {
                    exec.hushed = Some(Instant::now() + SOON);
                }
            }
            Happened::Terminal(master) => exec.attach(master),
            Happened::Denial(denial) => exec.store.tell(Told::Denial(json(&denial))),
            Happened::Alert(alert) => exec.store.tell(Told::Alert(json(&alert))),
            Happened::Exited(outcome) => {
                // What is read now is of somebody else, if anything is; or it is the end.
                exec.held.clear();
                exec.sources.read_each(TURNS);
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
                if !exec.sources.are_at_their_end() {
                    exec.sources.hand_on_no_more();
                    self.left.insert(oldest, exec.sources);
                }
            }
        }
    }

    /// Reads what is heard by nobody.
    fn pass_over(&mut self, number: u32, at: usize) {
        let Some(sources) = self.left.get(&number) else { return };
        sources.read(at, TURNS);
        if sources.are_at_their_end() {
            self.left.remove(&number);
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
            let Some(exec) = self.execs.get(*number) else {
                self.execs.pass_over(*number, *at);
                continue;
            };
            exec.sources.read(*at, TURNS);
            let passed = exec.sources.passed();
            if passed.handed_on > 0 {
                exec.hushed = None;
            }
            if matches!(exec.state, State::Running)
                && let Some(live) = &mut self.live
            {
                live.output_passed(*number, passed);
            }
            if exec.sources.are_at_their_end() && matches!(exec.state, State::Ended(_)) {
                exec.fall_silent();
            }
        }
    }

    /// Tells the end of each exec that has ended and said all.
    pub(super) fn finish_what_has_ended(&mut self) {
        self.finish(|exec, until| exec.sources.are_at_their_end() || until <= Instant::now());
    }

    /// The same whoever holds their output.
    pub(super) fn finish_at_once(&mut self) {
        self.finish(|_, _| true);
        self.execs.left.clear();
        for exec in self.execs.all.values_mut() {
            exec.held.clear();
            exec.sources.read_each(usize::MAX);
            exec.sources.close();
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

/// Plain data, as it is told.
pub(super) fn json(what: &impl serde::Serialize) -> Value {
    serde_json::to_value(what).unwrap_or(Value::Null)
}
