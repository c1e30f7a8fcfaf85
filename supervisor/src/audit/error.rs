//! Why something could not be recorded, or the record not be read.

use std::io;
use std::path::PathBuf;

use crate::text::printable;

/// One failed step.
#[derive(Debug, thiserror::Error)]
#[error("{}{step} the record `{}`", if *done { "it is done, but its end is not recorded: " } else { "" }, printable(path))]
pub(crate) struct AuditError {
    step: &'static str,
    path: PathBuf,
    source: io::Error,
    /// Whether what was to be recorded was done all the same.
    done: bool,
}

impl AuditError {
    pub(super) fn at(step: &'static str, path: impl Into<PathBuf>, source: impl Into<io::Error>) -> Self {
        Self { step, path: path.into(), source: source.into(), done: false }
    }

    /// The same, of the line after an act.
    pub(super) fn of_end(self) -> Self {
        Self { done: true, ..self }
    }

    /// Whether what was to be recorded was done all the same.
    pub(crate) fn is_of_end(&self) -> bool {
        self.done
    }

    pub(super) fn is_missing(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    /// What the caller can do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self.source.kind() {
            _ if self.done => "see to it that it can be written: until then nothing more is done",
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "make room on its disk: nothing is done that cannot be recorded"
            }
            _ => {
                "nothing is done that cannot be recorded; CLEARING_STATE_DIR names the directory that it lies in"
            }
        }
    }
}
