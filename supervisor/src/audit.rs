//! The record of what was decided and what came of it: a line before each act, and one after it.
//!
//! Each line holds the SHA-256 of the one before, so that none can be changed, removed or put in unseen. It is
//! a hash that `sha256sum` computes: `sed -n 7p audit.jsonl | sha256sum` is what line 8 calls `previous`.

mod chain;
mod entry;
mod error;
mod file;
mod log;
mod tail;
mod verify;

pub(crate) use chain::{Lines, Recorded};
pub(crate) use entry::{Decision, Ended, ProfileMark, words};
pub(crate) use error::AuditError;
pub(crate) use verify::{Fault, Verified, verify};

use std::path::Path;

use clearing_rootfs::{PathText, Store};
use entry::{Entry, Refusal};
use log::Log;

use crate::error::Error;
use crate::policy::Denial;

/// The record in a state directory.
#[derive(Debug, Clone)]
pub(crate) struct Audit {
    log: Log,
}

/// Something that was decided upon and recorded, and is about to be done.
#[derive(Debug)]
#[must_use = "an act without an outcome looks like one that was killed"]
pub(crate) struct Act {
    audit: Audit,
    number: u64,
}

impl Audit {
    /// The record in a state directory that exists.
    pub(crate) fn at(state: &Path) -> Self {
        Self { log: Log::at(state) }
    }

    /// The record in the caller's state directory.
    pub(crate) fn of_caller() -> Result<Self, Error> {
        let state = Store::default_path(&|name| std::env::var_os(name))?;
        Ok(Self::at(Store::open(&state)?.path()))
    }

    /// Records what is going to be done. If that cannot be written, it must not be done.
    pub(crate) fn decide(&self, decision: &Decision) -> Result<Act, AuditError> {
        let number = self.log.append(&Entry::Decision(decision))?;
        Ok(Act { audit: self.clone(), number })
    }

    /// Does something between its two lines: nothing, if the first cannot be written.
    pub(crate) fn record<T>(
        &self,
        decision: &Decision,
        act: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let recorded = self.decide(decision)?;
        let done = act();
        let ended = match &done {
            Ok(_) => Ended::done(),
            Err(error) => Ended::failed(error.text()),
        };
        // Why it failed goes before the failure to write that down.
        let written = recorded.end(&ended);
        let value = done?;
        written.map(|()| value).map_err(|error| Error::Audit(error.of_end()))
    }

    /// Records what became of a commit that something interrupted.
    pub(crate) fn recovered(&self, project: &Path, landed: bool) -> Result<(), AuditError> {
        let project = PathText(project.to_owned());
        self.log.append(&Entry::Recovery { verb: "commit", project, landed }).map(drop)
    }

    /// The state directory that it is about.
    pub(crate) fn state(&self) -> &Path {
        self.log.directory()
    }

    /// Its lines, oldest first.
    pub(crate) fn lines(&self) -> Result<Lines, AuditError> {
        Lines::of(&self.log)
    }
}

/// An act that has its outcome, and may have left something running.
#[derive(Debug)]
pub(crate) struct Past {
    audit: Audit,
    number: u64,
}

impl Past {
    /// Records that something it left running was not permitted.
    pub(crate) fn denied(&self, denial: &Denial) -> Result<(), AuditError> {
        self.audit.log.append(&Entry::Denial { of: self.number, refusal: &Refusal::of(denial) }).map(drop)
    }
}

impl Act {
    /// What is to be recorded of it after its end.
    pub(crate) fn past(&self) -> Past {
        Past { audit: self.audit.clone(), number: self.number }
    }

    /// Records what came of it.
    pub(crate) fn end(self, ended: &Ended) -> Result<(), AuditError> {
        self.audit.log.append(&Entry::Outcome { of: self.number, ended }).map(drop)
    }
}

/// Does something between its two lines in the caller's record: nothing, if the first cannot be written.
pub(crate) fn recorded<T>(decision: &Decision, act: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    Audit::of_caller()?.record(decision, act)
}
