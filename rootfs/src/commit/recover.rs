//! What a crash left of commits: each is undone, or brought to its end, as far as it had come.

use std::ffi::CStr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

use rustix::io::Errno;

use super::error::RecoverError;
use super::journal::{Journal, Owner, Stage, remove_gone};
use super::target::Target;
use super::transaction::{Stuck, Transaction};
use crate::descent::entries;

/// What became of one commit that something had ended.
#[derive(Debug)]
pub struct RecoveredCommit {
    /// The project.
    pub project: PathBuf,
    /// Whether all of it is there now; else nothing of it is.
    pub landed: bool,
    /// Paths in the project that hold what stood there before, since somebody has used its name since.
    pub kept: Vec<PathBuf>,
}

/// Recovers all commits that no living process is at work on. Done again after a crash of its own, it goes on where it
/// was. What has no name of a commit's stays as it is.
pub(crate) fn recover(commits: &Arc<OwnedFd>) -> Result<Vec<Result<RecoveredCommit, RecoverError>>, Errno> {
    let mut recovered = Vec::new();
    for entry in entries(commits.as_fd())? {
        match Owner::of(&entry.name) {
            Owner::Gone => remove_gone(commits, &entry.name),
            Owner::Commit => recovered.extend(recover_one(commits, &entry.name).transpose()),
            Owner::Other => {}
        }
    }
    Ok(recovered)
}

fn recover_one(commits: &Arc<OwnedFd>, name: &CStr) -> Result<Option<RecoveredCommit>, RecoverError> {
    let unread = |errno| RecoverError::journal(name, errno);
    let Some(journal) = Journal::open(commits, name).map_err(unread)? else { return Ok(None) };
    let stage = journal.stage().map_err(unread)?;
    if stage == Stage::Empty {
        // Nothing was begun, and so there is nothing to tell.
        return journal.end().map(|()| None).map_err(unread);
    }
    let record = journal.record().map_err(unread)?;
    let project = record.project.0.clone();
    let target = Target::open(&project, record.identity.since(&record.boot, &project))
        .map_err(|source| RecoverError::Project { journal: name.to_string_lossy().into(), source })?;
    let transaction = Transaction { target: &target, record: &record, prefix: journal.prefix() };
    let stuck = |Stuck { path, errno }| RecoverError::stuck(&project, &path, errno);
    let landed = stage == Stage::Landed;
    let kept = if landed { transaction.finish() } else { transaction.undo(&journal) }.map_err(stuck)?;
    if !landed || kept.is_empty() {
        journal.end().map_err(unread)?;
    }
    Ok(Some(RecoveredCommit { project, landed, kept }))
}
