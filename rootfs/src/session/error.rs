//! Why a session could not be had, or a verb not be carried out on it.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;

use super::ids::SessionId;
use super::lock::Holder;
use crate::files::io_error;
use crate::remove::RemoveError;
use crate::seen::SeenError;

/// Why a session could not be had, or a verb not be carried out on it.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says itself in its message")]
pub enum SessionError {
    #[error("there is no session `{name}`")]
    Unknown { name: String },
    #[error("session {id} is busy: {holder}")]
    Busy { id: SessionId, holder: Holder },
    #[error(
        "`{name}` is no name: letters, digits, `.`, `_` and `-`, at most 64 of them, the first a letter or digit"
    )]
    BadName { name: String },
    #[error("there is a session `{name}` already")]
    NameTaken { name: String },
    #[error("session {id} has no snapshot `{name}`")]
    UnknownSnapshot { id: SessionId, name: String },
    #[error("session {id} has a snapshot `{name}` already")]
    SnapshotTaken { id: SessionId, name: String },
    #[error("the record of session {id} is damaged: {fault}")]
    Damaged { id: String, fault: String },
    #[error("the project `{}` of the session was moved or replaced", path.display())]
    ProjectReplaced { path: PathBuf },
    #[error("the project's git directory is another one than when the session was made: {}", told(path.as_ref()))]
    GitReplaced { path: Option<PathBuf> },
    #[error("{action} `{}`", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error("drawing a name")]
    Random { source: io::Error },
    #[error(transparent)]
    Seen(#[from] SeenError),
    #[error(transparent)]
    Remove(#[from] RemoveError),
}

impl SessionError {
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>, errno: Errno) -> Self {
        Self::File { action, path: path.into(), source: io_error(errno) }
    }

    pub(crate) fn random(errno: Errno) -> Self {
        Self::Random { source: io_error(errno) }
    }

    pub(crate) fn is_full_disk(&self) -> bool {
        let Self::File { source, .. } = self else { return false };
        matches!(Errno::from_io_error(source), Some(Errno::NOSPC | Errno::DQUOT))
    }

    /// What the caller can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { .. } => Some("`clearing ls` names those that there are".into()),
            Self::Busy { holder, .. } => Some(match holder.pid {
                Some(pid) => format!("wait for it, or end process {pid}"),
                None => "wait for what holds it".into(),
            }),
            Self::UnknownSnapshot { id, .. } => {
                Some(format!("`clearing history {id}` names those that there are"))
            }
            Self::NameTaken { .. } | Self::SnapshotTaken { .. } => Some("take another name".into()),
            Self::Damaged { id, .. } => Some(format!(
                "somebody edited it; what was written is still in its layers, `clearing rm {id}` removes them"
            )),
            Self::ProjectReplaced { .. } => {
                Some("put it back under its old name; the session keeps what was written".into())
            }
            Self::File { source, .. } => match Errno::from_io_error(source)? {
                Errno::NOSPC | Errno::DQUOT => Some("free some space; nothing of the session is lost".into()),
                Errno::ROFS => Some("point CLEARING_STATE_DIR to a file system that can be written".into()),
                _ => None,
            },
            Self::Remove(error) => error.hint().map(str::to_owned),
            Self::BadName { .. } | Self::Seen(_) | Self::Random { .. } | Self::GitReplaced { .. } => None,
        }
    }
}

fn told(path: Option<&PathBuf>) -> String {
    path.map_or_else(|| "none".to_owned(), |path| format!("`{}`", path.display()))
}
