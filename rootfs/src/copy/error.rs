//! Why there is no copy, or no layer of it.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;

use crate::remove::RemoveError;
use crate::walk::WalkError;

/// What failed, and where.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says itself in its message")]
pub enum CopyError {
    #[error(transparent)]
    Walk(#[from] WalkError),
    #[error("copying to `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("taking `{}` from the working copy", path.display())]
    Take { path: PathBuf, source: io::Error },
    #[error("replacing what an interrupted copy left")]
    Remove(#[source] RemoveError),
}

impl CopyError {
    /// What the caller can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Walk(error) => error.hint(),
            Self::Remove(error) => error.hint(),
            Self::Write { source, .. } | Self::Take { source, .. } => match Errno::from_io_error(source)? {
                Errno::NOSPC | Errno::DQUOT => Some(
                    "free some space, or point CLEARING_STATE_DIR to another disk: a copy needs as much as the project",
                ),
                Errno::ROFS => Some("point CLEARING_STATE_DIR to a file system that can be written"),
                _ => None,
            },
        }
    }
}
