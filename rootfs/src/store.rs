//! The state directory: where runs, and later sessions, keep what must not be anybody else's.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, Mode, fchmod, flock, fstat, mkdirat, stat};
use rustix::io::Errno;

use crate::commit::{Commit, CommitError, CommitRequest, RecoverError, RecoveredCommit, recover};
use crate::descent::{entries, step};
use crate::files::{Environment, io_error, open_directory};
use crate::leave::Leave;
use crate::queue::{Queue, QueueError, Ticket, WhenFull};
use crate::remove::{RemoveError, remove_tree};
use crate::run::{RunDirectory, RunError, is_random_name};
use crate::seen::Seen;
use crate::session::{SessionError, Sessions};

/// The state directory, open and checked: the caller's own and writable by nobody else.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    runs: Arc<OwnedFd>,
    leave: Leave,
}

/// Where the journals of commits are.
const COMMITS: &std::ffi::CStr = c"commits";

/// What a collection found of runs that ended without clearing up.
#[derive(Debug, Default)]
pub struct Collected {
    /// Runs that nothing used any more, now gone.
    pub removed: usize,
    /// Runs that are still in use.
    pub held: usize,
    /// Runs that are dead and could not be removed, or not wholly.
    pub failed: Vec<RemoveError>,
}

/// Why there is no state directory.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says itself in its message")]
pub enum StoreError {
    #[error("no place for the state directory: neither CLEARING_STATE_DIR, XDG_STATE_HOME nor HOME is set")]
    NoPlace,
    #[error("the state directory `{}` is not an absolute path", path.display())]
    Relative { path: PathBuf },
    #[error("creating the state directory `{}`", path.display())]
    Create { path: PathBuf, source: io::Error },
    #[error("opening the state directory `{}`", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("the state directory `{}` is not a directory", path.display())]
    NotADirectory { path: PathBuf },
    #[error("the state directory `{}` belongs to user {uid}", path.display())]
    ForeignOwner { path: PathBuf, uid: u32 },
    #[error("the state directory `{}` can be written by others (mode {mode:o})", path.display())]
    WritableByOthers { path: PathBuf, mode: u32 },
    #[error("listing the runs of `{}`", path.display())]
    List { path: PathBuf, source: io::Error },
}

impl Store {
    /// `$CLEARING_STATE_DIR`, else `$XDG_STATE_HOME/clearing`, else `~/.local/state/clearing`.
    pub fn default_path(environment: Environment<'_>) -> Result<PathBuf, StoreError> {
        let named =
            |name: &str| environment(name).filter(|value: &OsString| !value.is_empty()).map(PathBuf::from);
        let path = named("CLEARING_STATE_DIR")
            .or_else(|| named("XDG_STATE_HOME").map(|state| state.join("clearing")))
            .or_else(|| named("HOME").map(|home| home.join(".local/state/clearing")))
            .ok_or(StoreError::NoPlace)?;
        if path.is_absolute() { Ok(path) } else { Err(StoreError::Relative { path }) }
    }

    /// Opens the state directory and creates what is missing of it with mode 0700.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if path.is_relative() {
            return Err(StoreError::Relative { path: path.to_owned() });
        }
        let opened = match open_directory(path) {
            Err(Errno::NOENT) => create(path)?,
            opened => opened.map_err(|errno| unopened(path, errno))?,
        };
        check(path, &opened)?;
        let runs = open_or_make(&opened, c"runs").map_err(|errno| unopened(&path.join("runs"), errno))?;
        Ok(Self { path: path.to_owned(), runs: Arc::new(runs), leave: Leave::default() })
    }

    /// Has `leave` called with the directory of each dead run, and of each layer that nobody needs any more, before
    /// that is removed.
    pub fn leaving_by(self, leave: fn(BorrowedFd<'_>)) -> Self {
        Self { leave: Leave(leave), ..self }
    }

    /// The state directory's path, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lets other users go through the state directory, which they cannot list: for a command that runs as one
    /// of them. Which of the directories above shuts them out is told, if one does.
    pub fn let_others_through(&self) -> Result<Option<PathBuf>, StoreError> {
        let failed = |errno| unopened(&self.path, errno);
        let state = open_directory(&self.path).map_err(failed)?;
        fchmod(&state, Mode::from_raw_mode(0o711)).map_err(failed)?;
        let shut = |path: &&Path| stat(*path).is_ok_and(|stat| stat.st_mode & 0o001 == 0);
        let true_name = crate::files::canonical(&self.path).map_err(failed)?;
        Ok(true_name.ancestors().find(shut).map(Path::to_owned))
    }

    /// Draws a ticket for one sandbox, and waits where `limit` others that were drawn before are still
    /// held. `tell` hears the place in the queue, 1 being the next, whenever it is known to have changed.
    pub fn admit(
        &self,
        limit: usize,
        when_full: WhenFull,
        tell: impl FnMut(usize),
    ) -> Result<Ticket, QueueError> {
        let path = self.path.join("queue");
        let opened = open_directory(&self.path).and_then(|state| open_or_make(&state, c"queue"));
        let opened =
            opened.map_err(|errno| QueueError::Queue { path: path.clone(), source: io_error(errno) })?;
        Queue::new(&path, opened).draw(limit, when_full, tell)
    }

    /// The sessions that are kept here.
    pub fn sessions(&self) -> Result<Sessions, SessionError> {
        let open = |name: &std::ffi::CStr| {
            let opened = open_directory(&self.path).and_then(|state| open_or_make(&state, name));
            let path = self.path.join(name.to_string_lossy().as_ref());
            opened.map_err(|errno| SessionError::file("opening", path, errno))
        };
        Ok(Sessions::new(self.path.clone(), open(c"sessions")?, open(c"layers")?, self.leave))
    }

    /// Judges what a commit would do. Nothing is written yet, and `seen` is what the session saw.
    pub fn plan_commit(&self, request: &CommitRequest<'_>, seen: &Seen) -> Result<Commit, CommitError> {
        let commits = open_directory(&self.path).and_then(|state| open_or_make(&state, COMMITS));
        let commits = commits.map_err(|errno| CommitError::Journals { source: io_error(errno) })?;
        Commit::plan_in(Arc::new(commits), request, seen)
    }

    /// Undoes or finishes the commits that a crash interrupted, in the state directory `path` if there is one.
    /// Every command begins with this. A directory that others can write to is not believed.
    pub fn recover_commits(path: &Path) -> Vec<Result<RecoveredCommit, RecoverError>> {
        let state = open_directory(path).ok().filter(|state| check(path, state).is_ok());
        let Some(state) = state else { return Vec::new() };
        let commits = match step(&state, COMMITS) {
            Err(Errno::NOENT) => return Vec::new(),
            commits => commits,
        };
        let recovered = commits.and_then(|commits| recover(&Arc::new(commits)));
        recovered.unwrap_or_else(|errno| vec![Err(RecoverError::journal(COMMITS, errno))])
    }

    /// Makes a fresh directory for one run, locked for as long as any process holds its descriptor.
    pub fn begin_run(&self) -> Result<RunDirectory, RunError> {
        RunDirectory::begin(&self.path.join("runs"), &self.runs)
    }

    /// Removes the directories of runs that ended without clearing up: those whose lock nobody holds. What has no name
    /// of a run's stays: somebody may have named a directory as the state directory that was another one before.
    ///
    /// Any number of collectors and of beginning runs may be at work at once.
    pub fn collect(&self) -> Result<Collected, StoreError> {
        let list = entries(self.runs.as_fd());
        let path = self.path.join("runs");
        let list = list.map_err(|errno| StoreError::List { path, source: io_error(errno) })?;
        let mut collected = Collected::default();
        for entry in list.into_iter().filter(|entry| is_random_name(&entry.name)) {
            // The lock is held until the directory is gone, so that a run that begins just now and finds
            // its new directory locked, or gone, knows to take another one.
            let locked = step(&self.runs, &entry.name)
                .and_then(|run| flock(&run, FlockOperation::NonBlockingLockExclusive).map(|()| run));
            match locked {
                Err(Errno::WOULDBLOCK) => collected.held += 1,
                Err(Errno::NOENT) => {}
                Ok(_) | Err(Errno::NOTDIR | Errno::LOOP) => {
                    self.leave.tell(self.runs.as_fd(), &entry.name);
                    match remove_tree(self.runs.as_fd(), &entry.name) {
                        Ok(()) => collected.removed += 1,
                        Err(error) => collected.failed.push(error),
                    }
                }
                Err(errno) => collected.failed.push(RemoveError::new(&entry.name, errno)),
            }
        }
        Ok(collected)
    }
}

impl StoreError {
    /// What the caller can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoPlace | Self::Relative { .. } => Some("set CLEARING_STATE_DIR to an absolute path"),
            Self::Create { .. }
            | Self::Open { .. }
            | Self::NotADirectory { .. }
            | Self::ForeignOwner { .. } => Some("set CLEARING_STATE_DIR to a directory of your own"),
            Self::WritableByOthers { .. } => {
                Some("`chmod go-w` it, after a look at what others may have put there")
            }
            Self::List { .. } => None,
        }
    }
}

fn create(path: &Path) -> Result<OwnedFd, StoreError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| StoreError::Create { path: path.to_owned(), source })?;
    open_directory(path).map_err(|errno| unopened(path, errno))
}

fn check(path: &Path, opened: &OwnedFd) -> Result<(), StoreError> {
    let stat = fstat(opened).map_err(|errno| unopened(path, errno))?;
    let (path, uid, mode) = (path.to_owned(), stat.st_uid, stat.st_mode & 0o7777);
    if uid != rustix::process::geteuid().as_raw() {
        Err(StoreError::ForeignOwner { path, uid })
    } else if mode & 0o022 != 0 {
        Err(StoreError::WritableByOthers { path, mode })
    } else {
        Ok(())
    }
}

fn open_or_make(directory: &OwnedFd, name: &std::ffi::CStr) -> Result<OwnedFd, Errno> {
    match step(directory, name) {
        Err(Errno::NOENT) => match mkdirat(directory, name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => step(directory, name),
            Err(errno) => Err(errno),
        },
        opened => opened,
    }
}

fn unopened(path: &Path, errno: Errno) -> StoreError {
    let path = path.to_owned();
    match errno {
        Errno::NOTDIR => StoreError::NotADirectory { path },
        errno => StoreError::Open { path, source: io_error(errno) },
    }
}

#[cfg(test)]
mod tests;
