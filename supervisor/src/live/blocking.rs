//! Commands for whoever has nothing else to do than wait for them.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::time::Instant;

use clearing_profiles::LimitName;
use nix::poll::{PollFd, PollTimeout, poll};

use super::asked::{ExecAsked, Given, Happened, What};
use super::ended::is_whole;
use super::{LiveError, LiveSandbox};
use crate::error::Error;
use crate::outcome::Outcome;

/// How a command in a living sandbox ended.
#[derive(Debug)]
pub struct Executed {
    /// The command's own code, or 125 to 127 when there was no command.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether neither a limit ended it nor whoever had asked for it, and it was started.
    pub is_whole: bool,
    /// Whether processes are left running.
    pub left_running: bool,
    /// Whether the project was seen to have changed since it was mounted: with processes alive it cannot be
    /// mounted anew, and what a command sees of such a change is anybody's guess.
    pub project_changed: bool,
    outcome: Outcome,
}

impl Executed {
    /// The whole outcome, as JSON.
    pub fn outcome(&self) -> String {
        serde_json::to_string(&self.outcome).unwrap_or_default()
    }
}

/// What else is wanted of a command than to be run.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Limits by their names, as a person writes them.
    pub limits: Vec<(LimitName, String)>,
    /// A terminal in place of the streams, whose other end nobody has.
    pub on_terminal: bool,
}

impl LiveSandbox {
    /// Runs a command with these standard streams, and waits for its end. Where nothing else runs it sees
    /// the project as it is now.
    pub fn exec(&mut self, command: &[OsString], streams: [OwnedFd; 3]) -> Result<Executed, LiveError> {
        let exec = self.begin_exec(command, streams, Wanted::default())?;
        let executed = self.wait(exec)?;
        // Nobody may be there to do it later.
        if self.is_alive() {
            self.settle()?;
        }
        Ok(executed)
    }

    /// Starts a command with these standard streams, and does not wait for it.
    pub fn begin_exec(
        &mut self,
        command: &[OsString],
        streams: [OwnedFd; 3],
        wanted: Wanted,
    ) -> Result<u32, LiveError> {
        let streams = match wanted.on_terminal {
            true => Given::Terminal { rows: 24, columns: 80 },
            false => Given::Streams(streams),
        };
        Ok(self.start(ExecAsked {
            what: What::Command(command.to_vec()),
            cwd: None,
            profile: None,
            network: None,
            environment: Vec::new(),
            limits: wanted.limits,
            umask: None,
            streams,
            approved: false,
        })?)
    }

    /// Waits for the end of one command, and looks after all.
    pub fn wait(&mut self, exec: u32) -> Result<Executed, LiveError> {
        loop {
            if let Some(outcome) = self.take_outcome(exec) {
                return Ok(self.executed(outcome));
            }
            self.wait_for_anything(None)?;
        }
    }

    /// Looks after all commands for as long as `wanted` does not hold; false if it does not at that time.
    pub fn look_after(
        &mut self,
        until: Instant,
        wanted: &mut dyn FnMut() -> bool,
    ) -> Result<bool, LiveError> {
        while !wanted() {
            if Instant::now() >= until {
                return Ok(false);
            }
            let soon = Instant::now() + std::time::Duration::from_millis(5);
            self.wait_for_anything(Some(soon.min(until)))?;
        }
        Ok(true)
    }

    /// Ends a command and all that it has begun.
    pub fn cancel(&mut self, exec: u32) -> Result<(), LiveError> {
        Ok(self.end_exec(exec)?)
    }

    fn wait_for_anything(&mut self, until: Option<Instant>) -> Result<(), Error> {
        let mut polled = self.polled();
        let left = |at: Instant| PollTimeout::try_from(at.saturating_duration_since(Instant::now()));
        // Rounded up, or the last millisecond would be spent in a busy loop.
        let due = self.next_due().map(|at| at + std::time::Duration::from_millis(1));
        let timeout = due
            .into_iter()
            .chain(until)
            .min()
            .map_or(PollTimeout::NONE, |at| left(at).unwrap_or(PollTimeout::MAX));
        poll(&mut polled, timeout).map_err(|errno| Error::System("poll", errno.into()))?;
        let ready: Vec<bool> = polled.iter().map(|fd: &PollFd<'_>| fd.any().unwrap_or(true)).collect();
        drop(polled);
        let mut happened = Vec::new();
        let moved = self.move_on(&ready);
        happened.append(&mut self.happened);
        // Nobody listens to anything else here.
        happened.retain(|(_, happened)| matches!(happened, Happened::Exited(_)));
        self.happened = happened;
        match moved {
            // Each command has its outcome.
            Err(Error::InitEnded) => Ok(()),
            moved => moved,
        }
    }

    fn take_outcome(&mut self, exec: u32) -> Option<Outcome> {
        let is_end =
            |(of, happened): &(u32, Happened)| *of == exec && matches!(happened, Happened::Exited(_));
        let index = self.happened.iter().position(is_end)?;
        match self.happened.remove(index) {
            (_, Happened::Exited(outcome)) => Some(*outcome),
            _ => None,
        }
    }

    fn executed(&self, outcome: Outcome) -> Executed {
        Executed {
            exit_code: outcome.exit_code,
            signal: outcome.signal,
            is_whole: is_whole(outcome.cause),
            left_running: !self.is_quiet(),
            project_changed: outcome.project_changed,
            outcome,
        }
    }
}
