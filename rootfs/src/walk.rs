//! The walk over an upper that finds every difference to its lower, one by one, in bounded memory.
//!
//! Cost follows the upper, not the project. Of the lower only that is looked at which the upper names,
//! hides or replaces.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Stat, statat};
use rustix::io::Errno;

use crate::compare::{Kind, same};
use crate::deleted::DeletedTree;
use crate::descent::{Descent, Entry, entries};
use crate::files::{io_error, is_directory, os_str};
use crate::overlay::{is_opaque, is_whiteout};

/// One difference between what the lower has and what the stack shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    Added(Kind),
    Modified(Kind),
    Deleted(Kind),
    /// What lies below could not be looked at.
    Unread,
}

/// Why a walk ended early.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says itself in its message")]
pub enum WalkError {
    #[error("opening the layer `{}`", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("reading `{}` in the layer", path.display())]
    Upper { path: PathBuf, source: io::Error },
    #[error("reading `{}` in the project", path.display())]
    Lower { path: PathBuf, source: io::Error },
}

impl WalkError {
    /// What the caller can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        let (Self::Open { source, .. } | Self::Upper { source, .. } | Self::Lower { source, .. }) = self;
        match Errno::from_io_error(source)? {
            Errno::STALE | Errno::NOENT => {
                Some("something moved while it was read; ask again when all is quiet")
            }
            Errno::MFILE | Errno::NFILE => Some("raise the limit of open files (`ulimit -n`)"),
            _ => None,
        }
    }
}

/// A path that is longer cannot be named to the kernel, and bounds the depth that is walked.
const LONGEST_PATH: usize = 4095;

/// Calls `found` with each difference and its path, relative to the top; the top itself is not compared.
pub(crate) fn walk(
    upper: OwnedFd,
    lower: OwnedFd,
    found: &mut dyn FnMut(&Path, Difference),
) -> Result<(), WalkError> {
    let mut walk = Walk {
        upper: Descent::new(upper),
        lower: Descent::new(lower),
        path: PathBuf::new(),
        levels: Vec::new(),
        found,
    };
    let top = walk.open_level(true, false)?;
    walk.levels.push(top);
    while let Some(level) = walk.levels.last_mut() {
        match level.names.pop() {
            Some(entry) => walk.visit(entry)?,
            None => walk.leave()?,
        }
    }
    Ok(())
}

struct Walk<'a> {
    upper: Descent,
    /// As deep as the directories that both sides have.
    lower: Descent,
    path: PathBuf,
    levels: Vec<Level>,
    found: &'a mut dyn FnMut(&Path, Difference),
}

/// A directory of the upper that is being walked.
struct Level {
    names: Vec<Entry>,
    /// Whether the lower has this directory too, and `lower` stands in it.
    in_lower: bool,
    /// Whether nothing of the lower shows through; what is below an opaque directory is opaque as well.
    opaque: bool,
    /// Whether something in it is seen, which an added directory without is reported for.
    seen: bool,
}

impl Walk<'_> {
    fn open_level(&mut self, in_lower: bool, opaque: bool) -> Result<Level, WalkError> {
        let names = entries(self.upper.here()).map_err(|errno| self.upper_failed(errno))?;
        let opaque = opaque || is_opaque(self.upper.here());
        if in_lower && opaque {
            self.report_hidden(&names)?;
        }
        Ok(Level { names, in_lower, opaque, seen: false })
    }

    fn visit(&mut self, entry: Entry) -> Result<(), WalkError> {
        let name = entry.name;
        let stat = match statat(self.upper.here(), &name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::ACCESS) => {
                self.give_up_level();
                return Ok(());
            }
            stat => stat.map_err(|errno| self.upper_failed(errno))?,
        };
        self.path.push(os_str(&name));
        let lower = self.lower_stat(&name)?;
        let entered = if is_whiteout(self.upper.here(), &name, &stat) {
            lower.map_or(Ok(()), |lower| self.report_deleted(&name, Kind::of(&lower))).map(|()| false)
        } else {
            self.levels.last_mut().into_iter().for_each(|level| level.seen = true);
            self.visit_seen(&name, &stat, lower.as_ref())
        };
        if !entered? {
            self.path.pop();
        }
        Ok(())
    }

    /// Reports what is seen under the name; enters it if it is a directory.
    fn visit_seen(&mut self, name: &CStr, stat: &Stat, lower: Option<&Stat>) -> Result<bool, WalkError> {
        let kind = Kind::of(stat);
        match lower {
            Some(lower) if is_directory(stat) && is_directory(lower) => {
                if stat.st_mode != lower.st_mode {
                    self.report(Difference::Modified(kind));
                }
                return self.enter(name, true);
            }
            Some(lower) if is_directory(stat) || is_directory(lower) => {
                self.report_deleted(name, Kind::of(lower))?
            }
            Some(lower) => {
                if !same((self.upper.here(), stat), (self.lower.here(), lower), name) {
                    self.report(Difference::Modified(kind));
                }
                return Ok(false);
            }
            None => {}
        }
        if is_directory(stat) {
            return self.enter(name, false);
        }
        self.report(Difference::Added(kind));
        Ok(false)
    }

    fn enter(&mut self, name: &CStr, in_lower: bool) -> Result<bool, WalkError> {
        let too_long = self.path.as_os_str().len() > LONGEST_PATH;
        match if too_long { Err(Errno::NAMETOOLONG) } else { self.upper.enter(name) } {
            Ok(()) => {}
            Err(Errno::ACCESS | Errno::NAMETOOLONG) => {
                self.report(Difference::Unread);
                return Ok(false);
            }
            Err(errno) => return Err(self.upper_failed(errno)),
        }
        // Where the lower's directory cannot be opened, nothing of it can have been copied up.
        let in_lower = in_lower && self.lower.enter(name).is_ok();
        let opaque = self.levels.last().is_some_and(|level| level.opaque);
        let level = self.open_level(in_lower, opaque)?;
        self.levels.push(level);
        Ok(true)
    }

    /// Reports a directory that can be listed and not searched, and passes over what is in it.
    fn give_up_level(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            (level.names, level.seen) = (Vec::new(), true);
        }
        self.report(Difference::Unread);
    }

    fn leave(&mut self) -> Result<(), WalkError> {
        let Some(left) = self.levels.pop() else { return Ok(()) };
        if self.levels.is_empty() {
            return Ok(());
        }
        if !left.in_lower && !left.seen {
            self.report(Difference::Added(Kind::Directory));
        }
        self.upper.leave().map_err(|errno| self.upper_failed(errno))?;
        if left.in_lower {
            self.lower.leave().map_err(|errno| self.lower_failed(errno))?;
        }
        self.path.pop();
        Ok(())
    }

    /// Reports what an opaque directory hides: all of the lower's that the upper has no name for.
    fn report_hidden(&mut self, names: &[Entry]) -> Result<(), WalkError> {
        let mut named: Vec<&CString> = names.iter().map(|entry| &entry.name).collect();
        named.sort_unstable();
        for entry in entries(self.lower.here()).map_err(|errno| self.lower_failed(errno))? {
            if named.binary_search(&&entry.name).is_err() {
                self.path.push(os_str(&entry.name));
                self.report_deleted(&entry.name, Kind::of_type(entry.kind))?;
                self.path.pop();
            }
        }
        Ok(())
    }

    fn report_deleted(&mut self, name: &CStr, kind: Kind) -> Result<(), WalkError> {
        let (lower, path) = (&mut self.lower, &mut self.path);
        let deleted = DeletedTree { lower, path, found: self.found }.report(name, kind);
        deleted.map_err(|errno| self.lower_failed(errno))
    }

    fn lower_stat(&self, name: &CStr) -> Result<Option<Stat>, WalkError> {
        let in_lower = self.levels.last().is_some_and(|level| level.in_lower);
        if !in_lower {
            return Ok(None);
        }
        match statat(self.lower.here(), name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            // What cannot be searched could not be copied up either.
            Err(Errno::NOENT | Errno::ACCESS) => Ok(None),
            Err(errno) => Err(self.lower_failed(errno)),
        }
    }

    fn report(&mut self, difference: Difference) {
        (self.found)(&self.path, difference);
    }

    fn upper_failed(&self, errno: Errno) -> WalkError {
        WalkError::Upper { path: self.path.clone(), source: io_error(errno) }
    }

    fn lower_failed(&self, errno: Errno) -> WalkError {
        WalkError::Lower { path: self.path.clone(), source: io_error(errno) }
    }
}
