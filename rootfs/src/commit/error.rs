//! Why a commit did not land, or one that something ended could not be recovered.

use std::ffi::CStr;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::target::TargetError;
use super::transaction::Stuck;
use crate::files::io_error;
use crate::hidden::HiddenError;
use crate::walk::WalkError;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says itself in its message")]
pub enum CommitError {
    #[error("the pattern `{pattern}` of --only")]
    Pattern { pattern: String, source: globset::Error },
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Walk(WalkError),
    #[error(transparent)]
    Hidden(#[from] HiddenError),
    #[error("opening the journals of commits in the state directory")]
    Journals { source: io::Error },
}

impl CommitError {
    /// What the caller can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Pattern { .. } | Self::Hidden(_) | Self::Journals { .. } => None,
            Self::Target(error) => error.hint(),
            Self::Walk(error) => error.hint(),
        }
    }
}

/// Why nothing landed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says itself in its message")]
pub enum LandError {
    #[error("the project changed {count} of the paths since the session saw them")]
    Conflicts { count: usize },
    #[error("`{}` was changed in the project while the commit was under way; the project is as it was", path.display())]
    Meanwhile { path: PathBuf },
    #[error("`{}` was changed in the session while the commit was under way; the project is as it was", path.display())]
    SourceChanged { path: PathBuf },
    #[error(
        "the disk of the project `{}` is full: the commit needs {needed} bytes, {free} are free; the project is as it was",
        project.display()
    )]
    DiskFull { project: PathBuf, needed: u64, free: u64 },
    #[error("writing `{}` in the project; it is as it was", path.display())]
    Project { path: PathBuf, source: io::Error },
    #[error("writing the commit's journal in the state directory; the project is as it was")]
    Journal { source: io::Error },
    #[error("the commit has landed, and finishing it failed at `{}`; the next command tries again", path.display())]
    Unfinished { path: PathBuf, source: io::Error },
    #[error("{cause}; but taking it back failed at `{}`: the next command tries again", path.display())]
    NotUndone { cause: Box<LandError>, path: PathBuf, source: io::Error },
    #[error("{cause}; what stood there before is kept in {}", list(kept))]
    Kept { cause: Box<LandError>, kept: Vec<PathBuf> },
}

impl LandError {
    pub(crate) fn project(path: &Path, errno: Errno) -> Self {
        Self::Project { path: path.to_owned(), source: io_error(errno) }
    }

    pub(crate) fn journal(errno: Errno) -> Self {
        Self::Journal { source: io_error(errno) }
    }

    pub(crate) fn unfinished(stuck: Stuck) -> Self {
        Self::Unfinished { path: stuck.path, source: io_error(stuck.errno) }
    }

    pub(crate) fn not_undone(cause: Self, stuck: Stuck) -> Self {
        Self::NotUndone { cause: Box::new(cause), path: stuck.path, source: io_error(stuck.errno) }
    }

    /// What the caller can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        let source = match self {
            Self::Conflicts { .. } => {
                return Some("merge text with --merge, or choose other paths with --only");
            }
            Self::Meanwhile { .. } => return Some("commit again when nothing else writes to the project"),
            Self::SourceChanged { .. } => return Some("commit again when no command of the session runs"),
            Self::DiskFull { .. } => return Some("free some space on that disk, or commit less with --only"),
            Self::Kept { .. } => return Some("compare the two, and keep the one that you want"),
            Self::Project { source, .. }
            | Self::Journal { source }
            | Self::Unfinished { source, .. }
            | Self::NotUndone { source, .. } => source,
        };
        match Errno::from_io_error(source)? {
            Errno::NOSPC | Errno::DQUOT => Some("free some space on the disk of the state directory"),
            Errno::ACCESS | Errno::PERM => Some(
                "the directory belongs to another user, is read-only, or the file is immutable (`lsattr`)",
            ),
            Errno::ROFS => Some("the project's file system is mounted read-only"),
            Errno::XDEV => Some("something is mounted there; a commit does not cross mounts"),
            Errno::INVAL => Some("the project's file system cannot exchange two names, which a commit needs"),
            _ => None,
        }
    }
}

/// Why a commit that something ended is neither undone nor done.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says itself in its message")]
pub enum RecoverError {
    #[error("reading the journal of the commit `{journal}`")]
    Journal { journal: String, source: io::Error },
    #[error("the commit `{journal}` was interrupted and cannot be recovered")]
    Project { journal: String, source: TargetError },
    #[error("recovering `{}` in the project `{}`", path.display(), project.display())]
    Stuck { project: PathBuf, path: PathBuf, source: io::Error },
}

impl RecoverError {
    pub(crate) fn journal(name: &CStr, errno: Errno) -> Self {
        Self::Journal { journal: name.to_string_lossy().into(), source: io_error(errno) }
    }

    pub(crate) fn stuck(project: &Path, path: &Path, errno: Errno) -> Self {
        Self::Stuck { project: project.to_owned(), path: path.to_owned(), source: io_error(errno) }
    }

    /// What the caller can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Journal { .. } => None,
            Self::Project { source, .. } => source.hint(),
            Self::Stuck { .. } => Some("mend what the error names; any command then tries again"),
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ")
}
