//! Why a diff ends early.

use std::io;

use crate::walk::WalkError;

/// Why a diff could not be made or written.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says itself in its message")]
pub enum DiffError {
    #[error(transparent)]
    Walk(#[from] WalkError),
    #[error("writing the diff")]
    Write(#[source] io::Error),
}

impl DiffError {
    /// What the caller can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Walk(error) => error.hint(),
            Self::Write(_) => None,
        }
    }
}
