//! The second half of a commit, either way: names are put back, or what they stood for is let go.
//!
//! Both can be done again from their start at any time, also by another process after a crash: what has
//! been done already is seen from the inodes.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, RenameFlags, fstat, fsync, renameat_with, statat};
use rustix::io::Errno;

use super::force::FORCED;
use super::journal::{Journal, Record, Stage, Staged};
use super::order::{Act, StepRecord};
use super::target::{Target, c_string, chmod_held};
use crate::remove::remove_tree;

/// A commit that is under way, or was when something ended it.
pub(crate) struct Transaction<'a> {
    pub(crate) target: &'a Target,
    pub(crate) record: &'a Record,
    /// What begins the names of all that it stages.
    pub(crate) prefix: String,
}

/// What kept it from its end.
#[derive(Debug)]
pub(crate) struct Stuck {
    pub(crate) path: PathBuf,
    pub(crate) errno: Errno,
}

impl Transaction<'_> {
    /// The name under which a step's new thing waits, and its old one afterwards.
    pub(crate) fn staged_name(&self, number: usize) -> CString {
        CString::new(format!("{}-{number}", self.prefix)).unwrap_or_default()
    }

    /// Opens to their owner the directories that would not let us work in them; they are closed again in the
    /// end, either way.
    pub(crate) fn force_modes(&self) -> Result<(), Stuck> {
        for mode in self.record.modes.iter().filter(|mode| mode.forced) {
            self.set_mode(&mode.path.0, mode.inode, mode.old | FORCED)?;
        }
        Ok(())
    }

    /// Puts all names back and removes what was staged. What somebody else has put under such a name
    /// meanwhile stays there, and what stood there before stays beside it: those paths are returned.
    pub(crate) fn undo(&self, journal: &Journal) -> Result<Vec<PathBuf>, Stuck> {
        self.force_modes()?;
        let at_journal = |errno| Stuck { path: PathBuf::new(), errno };
        let mut kept = Vec::new();
        if journal.stage().map_err(at_journal)? == Stage::Ready
            && let Some(Staged { inodes }) = journal.staged().map_err(at_journal)?
        {
            self.in_directories(|number, step, directory| {
                let staged = inodes.get(number).copied().flatten();
                let name = c_string(step.name.0.as_os_str())?;
                if !put_back(directory, step, &name, &self.staged_name(number), staged)? {
                    kept.push(step.directory.0.join(self.staged_name(number).to_string_lossy().as_ref()));
                }
                Ok(())
            })?;
            self.sync()?;
            journal.undone().map_err(at_journal)?;
        }
        self.in_directories(|number, step, directory| {
            let staged = self.staged_name(number);
            let is_backup = step.old.is_some() && inode(directory, &staged)? == step.old;
            if is_backup { Ok(()) } else { remove(directory, &staged) }
        })?;
        self.close(|mode| mode.old, |mode| mode.forced)?;
        Ok(kept)
    }

    /// Lets go of what stood there before; tells what could not be removed.
    pub(crate) fn finish(&self) -> Result<Vec<PathBuf>, Stuck> {
        self.force_modes()?;
        let mut left = Vec::new();
        self.in_directories(|number, step, directory| {
            if step.act != Act::Make && remove(directory, &self.staged_name(number)).is_err() {
                left.push(step.directory.0.join(self.staged_name(number).to_string_lossy().as_ref()));
            }
            Ok(())
        })?;
        self.close(|mode| mode.new, |_| true)?;
        Ok(left)
    }

    /// Gives the directories their modes, innermost first, and syncs what was done.
    fn close(
        &self,
        mode: impl Fn(&super::order::ModeRecord) -> u32,
        which: impl Fn(&super::order::ModeRecord) -> bool,
    ) -> Result<(), Stuck> {
        self.sync()?;
        for record in self.record.modes.iter().rev().filter(|record| which(record)) {
            self.set_mode(&record.path.0, record.inode, mode(record))?;
        }
        Ok(())
    }

    /// Leaves alone what somebody has replaced meanwhile.
    fn set_mode(&self, path: &Path, inode: u64, mode: u32) -> Result<(), Stuck> {
        let stuck = |errno| Stuck { path: path.to_owned(), errno };
        let held = match (self.target.remembered(path), self.target.held(path)) {
            (Some(held), _) => held,
            (None, Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP)) => return Ok(()),
            (None, held) => held.map_err(stuck)?,
        };
        let stat = fstat(&held).map_err(stuck)?;
        if stat.st_ino != inode || stat.st_mode & 0o7777 == mode {
            return Ok(());
        }
        chmod_held(held.as_fd(), mode).map_err(stuck)
    }

    /// Calls `work` with each step whose directory is still there.
    fn in_directories(
        &self,
        mut work: impl FnMut(usize, &StepRecord, BorrowedFd<'_>) -> Result<(), Errno>,
    ) -> Result<(), Stuck> {
        let mut open: Option<(&Path, Option<OwnedFd>)> = None;
        for (number, step) in self.record.steps.iter().enumerate() {
            let path = step.directory.0.as_path();
            let stuck = |errno| Stuck { path: path.join(&step.name.0), errno };
            if open.as_ref().is_none_or(|(opened, _)| *opened != path) {
                let directory = match (self.target.remembered(path), self.target.directory(path)) {
                    // What was changed in it is changed there, also if somebody has moved it away since.
                    (Some(directory), _) => Some(directory),
                    // With the directory went all that was in it.
                    (None, Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP)) => None,
                    (None, directory) => Some(directory.map_err(stuck)?),
                };
                open = Some((path, directory));
            }
            if let Some((_, Some(directory))) = &open {
                work(number, step, directory.as_fd()).map_err(stuck)?;
            }
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), Stuck> {
        let mut last: Option<PathBuf> = None;
        self.in_directories(|_, step, directory| {
            if last.as_ref() == Some(&step.directory.0) {
                return Ok(());
            }
            last = Some(step.directory.0.clone());
            fsync(directory)
        })
    }
}

/// Undoes one change of a name if it was made. False where somebody has used the name since.
fn put_back(
    directory: BorrowedFd<'_>,
    step: &StepRecord,
    name: &CStr,
    staged_name: &CStr,
    staged: Option<u64>,
) -> Result<bool, Errno> {
    let rename = |from: &CStr, to: &CStr, flags| renameat_with(directory, from, directory, to, flags);
    let (here, aside) = (inode(directory, name)?, inode(directory, staged_name)?);
    match step.act {
        Act::Make if here.is_some() && here == staged && aside.is_none() => {
            rename(name, staged_name, RenameFlags::NOREPLACE).map(|()| true)
        }
        Act::Make => Ok(true),
        Act::Replace | Act::Delete if aside.is_none() || aside != step.old => Ok(true),
        Act::Replace if here.is_some() && here == staged => {
            rename(name, staged_name, RenameFlags::EXCHANGE).map(|()| true)
        }
        Act::Replace | Act::Delete => match rename(staged_name, name, RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) => Ok(false),
            renamed => renamed.map(|()| true),
        },
    }
}

fn inode(directory: BorrowedFd<'_>, name: &CStr) -> Result<Option<u64>, Errno> {
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat.st_ino)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

fn remove(directory: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    remove_tree(directory, name).map_err(|error| Errno::from_io_error(&error.source).unwrap_or(Errno::IO))
}
