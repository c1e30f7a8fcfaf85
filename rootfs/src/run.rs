//! The directory of one run: its layers, and the lock that says that somebody uses it.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, FlockOperation, Gid, Mode, fchmod, fchown, flock, fstat, mkdirat, statat};
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

use crate::copy::{CopyError, LeftOut, Owner, Progress, WorkingCopy};
use crate::descent::step;
use crate::files::io_error;
use crate::identity::Identity;
use crate::layer_directory::{LayerDirectories, LayerTop, Place};
use crate::remove::{RemoveError, remove_tree};
use crate::stack::Stack;
use crate::written::{Survey, Written, written};

/// A run's own directory. Dropped without [`discard`](Self::discard), it stays until the next collection.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    name: CString,
    runs: Arc<OwnedFd>,
    directory: OwnedFd,
}

/// Why a run has no directory, or a layer none.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says itself in its message")]
pub enum RunError {
    #[error("creating a directory for the run in `{}`", path.display())]
    Create { path: PathBuf, source: io::Error },
    #[error("locking the run's directory `{}`", path.display())]
    Lock { path: PathBuf, source: io::Error },
    #[error("creating the layer `{}`", path.display())]
    Layer { path: PathBuf, source: io::Error },
}

impl RunError {
    /// What the caller can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        let (Self::Create { source, .. } | Self::Lock { source, .. } | Self::Layer { source, .. }) = self;
        match Errno::from_io_error(source)? {
            Errno::NOSPC | Errno::DQUOT => {
                Some("free some space, or point CLEARING_STATE_DIR to another disk")
            }
            Errno::ROFS => Some("point CLEARING_STATE_DIR to a file system that can be written"),
            Errno::NOLCK | Errno::OPNOTSUPP => Some("point CLEARING_STATE_DIR to a local file system"),
            _ => None,
        }
    }
}

impl RunDirectory {
    /// A collector may lock or remove a directory between our making and our locking it. A new one is
    /// taken then, and it is held only once the name still leads to what was locked.
    pub(crate) fn begin(path: &Path, runs: &Arc<OwnedFd>) -> Result<Self, RunError> {
        loop {
            let name = random_name().map_err(|errno| uncreated(path, errno))?;
            let path = path.join(name.to_string_lossy().as_ref());
            mkdirat(runs, &name, Mode::RWXU).map_err(|errno| uncreated(&path, errno))?;
            match lock(runs, &name) {
                Ok(Some(directory)) => return Ok(Self { path, name, runs: Arc::clone(runs), directory }),
                Ok(None) => {}
                Err(errno) => return Err(RunError::Lock { path, source: io_error(errno) }),
            }
        }
    }

    /// The directory's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The descriptor that carries the lock. While any process holds a copy, the run counts as alive.
    pub fn lock(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Every descriptor that [`discard`](Self::discard) needs, for a process that closes all others.
    pub fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        [self.runs.as_fd(), self.directory.as_fd()]
    }

    /// How much has been written below it so far.
    pub fn written(&self) -> Written {
        written(self.directory.as_fd())
    }

    /// The same in pieces.
    pub fn survey(&self) -> Survey {
        Survey::of(self.directory.as_fd())
    }

    /// Makes upper and work directory of the layer `name`, which must be a plain file name, new to this run.
    pub fn layer(&self, name: &str, top: Option<LayerTop>) -> Result<LayerDirectories, RunError> {
        let place = Place { directory: self.directory.as_fd(), path: &self.path };
        place
            .make_layer(name, top)
            .map_err(|errno| RunError::Layer { path: self.path.join(name), source: io_error(errno) })
    }

    /// Makes a working copy of all that `stack` shows. What of it is not there, comes second; `tell` hears how
    /// far it has come.
    pub fn copy(
        &self,
        name: &str,
        stack: &Stack,
        owner: Owner,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<(WorkingCopy, LeftOut), CopyError> {
        WorkingCopy::make(self.place(), name, stack, owner, tell)
    }

    /// Makes an empty directory for a command that no mount shows another in its place.
    pub fn directory(&self, name: &str, owner: Owner) -> Result<PathBuf, RunError> {
        let top = LayerTop { mode: 0o700, owner };
        let failed = |errno| RunError::Layer { path: self.path.join(name), source: io_error(errno) };
        self.place().make(name, Some(top)).map(|()| self.path.join(name)).map_err(failed)
    }

    /// Lets a group that nobody else is in through to the run, which it cannot list: for a command that runs as
    /// another user. To others a copy of a project that is closed to them stays closed, also where they come to
    /// know its path.
    pub fn let_group_through(&self, gid: u32) -> Result<(), RunError> {
        let opened = fchmod(&*self.runs, Mode::from_raw_mode(0o711))
            .and_then(|()| fchown(&self.directory, None, Some(Gid::from_raw(gid))))
            .and_then(|()| fchmod(&self.directory, Mode::from_raw_mode(0o710)));
        opened.map_err(|errno| RunError::Layer { path: self.path.clone(), source: io_error(errno) })
    }

    fn place(&self) -> Place<'_> {
        Place { directory: self.directory.as_fd(), path: &self.path }
    }

    /// Removes the run with everything in it, whatever the command made of it; the lock goes with the value.
    pub fn discard(&self) -> Result<(), RemoveError> {
        remove_tree(self.runs.as_fd(), &self.name)
    }
}

/// Opens and locks the new directory; none if a collector was faster.
fn lock(runs: &OwnedFd, name: &CString) -> Result<Option<OwnedFd>, Errno> {
    let locked = step(runs, name).and_then(|directory| {
        flock(&directory, FlockOperation::NonBlockingLockExclusive).map(|()| directory)
    });
    let directory = match locked {
        Err(Errno::NOENT | Errno::WOULDBLOCK) => return Ok(None),
        locked => locked?,
    };
    match statat(runs, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => Ok(None),
        named => Ok((Identity::of(&named?) == Identity::of(&fstat(&directory)?)).then_some(directory)),
    }
}

/// A name that nobody can guess.
pub(crate) fn random_name() -> Result<CString, Errno> {
    let mut bytes = [0_u8; 8];
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    let name = format!("{:016x}", u64::from_ne_bytes(bytes));
    CString::new(name).map_err(|_| Errno::INVAL)
}

/// Whether [`random_name`] may have made it: what else is there is somebody else's.
pub(crate) fn is_random_name(name: &CStr) -> bool {
    let name = name.to_bytes();
    name.len() == 16 && name.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn uncreated(path: &Path, errno: Errno) -> RunError {
    RunError::Create { path: path.to_owned(), source: io_error(errno) }
}
