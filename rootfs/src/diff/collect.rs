//! From the differences of two stacks to the entries of a diff.

use std::path::Path;

use super::untold::Untold;
use super::{Diff, DiffError, Entry, Side};
use crate::walk::{Difference, compare};

impl Diff<'_> {
    pub(super) fn collect(&mut self, wanted: &dyn Fn(&Path) -> bool) -> Result<(), DiffError> {
        let (entries, untold) = (&mut self.entries, &mut self.untold);
        compare(self.old, self.new, &mut |path, difference| {
            if wanted(path) {
                match entry(path, difference) {
                    Ok(entry) => entries.extend(entry),
                    Err(note) => untold.push(note),
                }
            }
        })?;
        Ok(())
    }
}

fn entry(path: &Path, difference: Difference<'_>) -> Result<Option<Entry>, Untold> {
    let (old, new) = match difference {
        Difference::Unread => return Err(Untold::unread(path)),
        Difference::Deleted { filled: true, .. } => return Ok(None),
        Difference::Added { new, filled: true } => {
            return Untold::of_new_directory(path, &Side::of(new)).map_or(Ok(None), Err);
        }
        Difference::Added { new, .. } => (None, Some(Side::of(new))),
        Difference::Modified { old, new } => (Some(Side::of(old)), Some(Side::of(new))),
        Difference::Deleted { old, .. } => (Some(Side::of(old)), None),
    };
    Ok(Some(Entry { path: path.to_owned(), old, new, renamed: None }))
}
