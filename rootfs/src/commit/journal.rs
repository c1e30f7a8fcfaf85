//! What a commit is about to do, written down where a crash leaves it: one directory a commit.
//!
//! ```text
//!   plan ──▶ ready ──▶ landed ──▶ gone          the names change
//!    │         │
//!    │         └─────▶ undone ──▶ gone          the names are put back
//!    └──────────────────────────▶ gone          no name has changed
//! ```
//! The stage is the name of the newest file. Each is written whole and synced under another name before,
//! and its directory synced after, so a stage has come or it has not. While a process lands or recovers
//! a commit it holds the directory's lock.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use rustix::fs::{
    AtFlags, FlockOperation, Mode, OFlags, flock, fstat, fsync, mkdirat, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::order::{ModeRecord, StepRecord};
use crate::descent::step;
use crate::files::{read_regular, write_all};
use crate::identity::Identity;
use crate::path_text::PathText;
use crate::remove::remove_tree;
use crate::run::{is_random_name, random_name};

/// How far a commit has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing was begun.
    Empty,
    /// Files may be staged.
    Plan,
    /// Everything is staged; names may have changed.
    Ready,
    /// All names have changed; what they stood for before may still be there.
    Landed,
    /// All names are back; what was staged may still be there.
    Undone,
}

/// Everything that recovery has to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) version: u32,
    /// The project, canonical.
    pub(crate) project: PathText,
    pub(crate) identity: Identity,
    /// The boot under which that device number means something.
    pub(crate) boot: String,
    pub(crate) steps: Vec<StepRecord>,
    pub(crate) modes: Vec<ModeRecord>,
}

/// The inodes that were staged, in the order of the steps; none for a deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Staged {
    pub(crate) inodes: Vec<Option<u64>>,
}

pub(crate) const VERSION: u32 = 1;

/// The directory of one commit, locked.
#[derive(Debug)]
pub(crate) struct Journal {
    commits: Arc<OwnedFd>,
    name: CString,
    directory: OwnedFd,
}

const PLAN: &CStr = c"plan";
const READY: &CStr = c"ready";
const LANDED: &CStr = c"landed";
const UNDONE: &CStr = c"undone";

impl Journal {
    /// Makes the directory of a new commit and locks it.
    pub(crate) fn begin(commits: &Arc<OwnedFd>) -> Result<Self, Errno> {
        loop {
            let name = random_name()?;
            mkdirat(commits, &name, Mode::RWXU)?;
            // A recovery may have found the empty directory first, and taken it away.
            if let Some(journal) = Self::open(commits, &name)? {
                return Ok(journal);
            }
        }
    }

    /// Locks the directory of a commit; none while another process has it, or if it is gone.
    pub(crate) fn open(commits: &Arc<OwnedFd>, name: &CStr) -> Result<Option<Self>, Errno> {
        let directory = match step(commits, name) {
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            directory => directory?,
        };
        match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Ok(None),
            locked => locked?,
        }
        let named = match statat(commits, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(None),
            named => Identity::of(&named?),
        };
        let is_same = named == Identity::of(&fstat(&directory)?);
        Ok(is_same.then(|| Self { commits: Arc::clone(commits), name: name.to_owned(), directory }))
    }

    /// What begins the names of all that this commit stages.
    pub(crate) fn prefix(&self) -> String {
        let id: String = self.name.to_string_lossy().chars().take(ID).collect();
        format!(".clearing-{id}")
    }

    /// How far it came.
    pub(crate) fn stage(&self) -> Result<Stage, Errno> {
        for (name, stage) in
            [(UNDONE, Stage::Undone), (LANDED, Stage::Landed), (READY, Stage::Ready), (PLAN, Stage::Plan)]
        {
            match statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => return Ok(stage),
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(Stage::Empty)
    }

    /// Writes down what will be done. Nothing may be staged before.
    pub(crate) fn plan(&self, record: &Record) -> Result<(), Errno> {
        self.write(PLAN, &json(record)?)?;
        fsync(&*self.commits)
    }

    /// Writes down what was staged. No name may be changed before.
    pub(crate) fn ready(&self, staged: &Staged) -> Result<(), Errno> {
        self.write(READY, &json(staged)?)
    }

    /// From now on the commit is done. A rename, since that takes no room on a full disk.
    pub(crate) fn landed(&self) -> Result<(), Errno> {
        self.rename(LANDED)
    }

    /// From now on the commit never was.
    pub(crate) fn undone(&self) -> Result<(), Errno> {
        self.rename(UNDONE)
    }

    pub(crate) fn record(&self) -> Result<Record, Errno> {
        self.read(PLAN)
    }

    /// The inodes that were staged, wherever the commit stands by now.
    pub(crate) fn staged(&self) -> Result<Option<Staged>, Errno> {
        let name = match self.stage()? {
            Stage::Empty | Stage::Plan => return Ok(None),
            Stage::Ready => READY,
            Stage::Landed => LANDED,
            Stage::Undone => UNDONE,
        };
        self.read(name).map(Some)
    }

    /// Forgets the commit. What tells how far it came goes last.
    pub(crate) fn end(&self) -> Result<(), Errno> {
        // Renamed first: a directory of which only half is left would tell less than it should.
        let gone = CString::new([GONE, self.name.as_bytes()].concat()).map_err(|_| Errno::INVAL)?;
        renameat(&*self.commits, &self.name, &*self.commits, &gone)?;
        let _ = remove_tree(self.commits.as_fd(), &gone);
        Ok(())
    }

    fn write(&self, name: &CStr, content: &[u8]) -> Result<(), Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.directory, NEW, flags, Mode::RUSR | Mode::WUSR)?;
        write_all(&file, content)?;
        fsync(&file)?;
        renameat(&self.directory, NEW, &self.directory, name)?;
        fsync(&self.directory)
    }

    fn rename(&self, to: &CStr) -> Result<(), Errno> {
        renameat(&self.directory, READY, &self.directory, to)?;
        fsync(&self.directory)
    }

    fn read<T: serde::de::DeserializeOwned>(&self, name: &CStr) -> Result<T, Errno> {
        let content = read_regular(&self.directory, name.to_string_lossy().as_ref(), usize::MAX)?;
        serde_json::from_slice(&content).map_err(|_| Errno::BADMSG)
    }
}

/// Under this name a file of the journal is written before it counts.
const NEW: &CStr = c"new";
/// So much of a commit's name tells its files from all others.
const ID: usize = 12;

/// Begins the name of a commit that was ended.
const GONE: &[u8] = b"gone-";

/// Whose a name among the commits is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A commit's.
    Commit,
    /// One's that was ended and not wholly removed.
    Gone,
    /// Nobody's of ours.
    Other,
}

impl Owner {
    pub(crate) fn of(name: &CStr) -> Self {
        let gone = name.to_bytes().strip_prefix(GONE).and_then(|name| CString::new(name).ok());
        match gone {
            Some(name) if is_random_name(&name) => Self::Gone,
            None if is_random_name(name) => Self::Commit,
            _ => Self::Other,
        }
    }
}

/// Takes away what an ended commit left.
pub(crate) fn remove_gone(commits: &OwnedFd, name: &CStr) {
    let _ = remove_tree(commits.as_fd(), name);
    let _ = unlinkat(commits, name, AtFlags::REMOVEDIR);
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Errno> {
    serde_json::to_vec(value).map_err(|_| Errno::INVAL)
}
