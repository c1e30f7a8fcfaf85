//! What a whiteout or an opaque directory takes away: the files of the lower, one by one.

use std::ffi::CStr;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::compare::Kind;
use crate::descent::{Descent, Entry, entries};
use crate::files::os_str;
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
    pub(crate) fn report(mut self, name: &CStr, kind: Kind) -> Result<(), Errno> {
        let mut pending: Vec<Vec<Entry>> = self.open(name, kind)?.into_iter().collect();
        while let Some(names) = pending.last_mut() {
            if let Some(Entry { name, kind }) = names.pop() {
                self.path.push(os_str(&name));
                match self.open(&name, Kind::of_type(kind))? {
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
    fn open(&mut self, name: &CStr, kind: Kind) -> Result<Option<Vec<Entry>>, Errno> {
        if kind == Kind::Directory && self.lower.enter(name).is_ok() {
            let names = entries(self.lower.here())?;
            if !names.is_empty() {
                return Ok(Some(names));
            }
            self.lower.leave()?;
        }
        (self.found)(self.path, Difference::Deleted(kind));
        Ok(None)
    }
}
