//! What a whiteout or an opaque directory takes away: the files of the lower, one by one.

use std::ffi::{CStr, CString};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Stat, statat};
use rustix::io::Errno;

use crate::compare::Kind;
use crate::descent::{Descent, entries};
use crate::files::{is_directory, os_str};
use crate::walk::Difference;

/// The walk's place in the lower, lent for one deletion.
pub(crate) struct DeletedTree<'a> {
    /// Stands in the directory that holds the name.
    pub(crate) lower: &'a mut Descent,
    /// Ends with the name.
    pub(crate) path: &'a mut PathBuf,
    pub(crate) found: &'a mut dyn FnMut(&Path, Difference),
}

impl DeletedTree<'_> {
    /// Reports the files below `name`, and its directories that are empty; both places are as before then.
    pub(crate) fn report(mut self, name: &CStr, stat: &Stat) -> Result<(), Errno> {
        let Some(names) = self.open(name, stat)? else { return Ok(()) };
        let mut pending = vec![names];
        while let Some(names) = pending.last_mut() {
            if let Some(name) = names.pop() {
                self.path.push(os_str(&name));
                let stat = stat_of(self.lower, &name)?;
                match stat.map(|stat| self.open(&name, &stat)).transpose()?.flatten() {
                    Some(names) => pending.push(names),
                    None => drop(self.path.pop()),
                }
                continue;
            }
            pending.pop();
            self.lower.leave()?;
            if !pending.is_empty() {
                self.path.pop();
            }
        }
        Ok(())
    }

    /// Enters a directory that has something in it and returns its names; reports anything else.
    fn open(&mut self, name: &CStr, stat: &Stat) -> Result<Option<Vec<CString>>, Errno> {
        if is_directory(stat) && self.lower.enter(name).is_ok() {
            let names = entries(self.lower.here())?;
            if !names.is_empty() {
                return Ok(Some(names.into_iter().map(|entry| entry.name).collect()));
            }
            self.lower.leave()?;
        }
        (self.found)(self.path, Difference::Deleted(Kind::of(stat)));
        Ok(None)
    }
}

/// What the lower has under a name. It is the caller's own project and may change while it is read.
pub(crate) fn stat_of(lower: &Descent, name: &CStr) -> Result<Option<Stat>, Errno> {
    match statat(lower.here(), name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}
