//! What a command changed: the upper, read as git would tell it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::compare::Kind;
use crate::inventory::Inventory;
use crate::stack::Stack;
use crate::walk::{Difference, WalkError, compare_knowing, compare_until};

/// The differences between a project and what a layer over it shows.
///
/// Files are told, as git does, and directories only where nothing else tells of them: empty ones that were
/// added or deleted, and those whose mode changed. The project's top directory itself is not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// New paths, sorted.
    pub added: Vec<Change>,
    /// Paths with another type, mode, content or link target, sorted.
    pub modified: Vec<Change>,
    /// Paths that are gone, sorted.
    pub deleted: Vec<Change>,
    /// Directories that could not be looked into: closed by their mode, or deeper than a path can name.
    pub unread: Vec<PathBuf>,
    /// How many there are, also where the lists end early.
    pub counts: Counts,
}

/// One changed path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Relative to the project, any bytes.
    pub path: PathBuf,
    /// What it is now; for a deletion, what it was.
    pub kind: Kind,
}

/// Numbers of changed paths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// New paths.
    pub added: u64,
    /// Changed paths.
    pub modified: u64,
    /// Paths that are gone.
    pub deleted: u64,
    /// Directories that could not be looked into.
    pub unread: u64,
}

/// The lists together hold paths of this many bytes at most: a command can make more of them than memory.
const LISTED: usize = 64 * 1024 * 1024;

impl Changes {
    /// Compares the layer `upper` with the project `lower`, reading of the project only what the layer touches.
    ///
    /// No link is followed on either side.
    pub fn between(upper: &Path, lower: &Path) -> Result<Self, WalkError> {
        let old = Stack::open(&[], lower)?;
        let new = Stack::open(&[upper.to_owned()], lower)?;
        Self::between_stacks(&old, &new)
    }

    /// Compares two stacks; cost follows the layers that they do not share.
    pub fn between_stacks(old: &Stack, new: &Stack) -> Result<Self, WalkError> {
        Self::between_stacks_until(old, new, None)
    }

    /// The same, given up at that moment ([`WalkError::Late`]).
    pub fn between_stacks_until(old: &Stack, new: &Stack, until: Option<Instant>) -> Result<Self, WalkError> {
        Self::collect(|add| compare_until(old, new, until, add))
    }

    /// The same, by what is known of sealed layers: however many lie below, cost follows those that are not shared.
    pub fn between_known_stacks(old: &Stack, new: &Stack, known: &Inventory) -> Result<Self, WalkError> {
        Self::collect(|add| compare_knowing(old, new, known, add))
    }

    fn collect(
        compare: impl FnOnce(&mut dyn FnMut(&Path, Difference<'_>)) -> Result<(), WalkError>,
    ) -> Result<Self, WalkError> {
        let mut changes = Self::default();
        let mut room = LISTED;
        compare(&mut |path, difference| changes.add(path, difference, &mut room))?;
        changes.added.sort_unstable();
        changes.modified.sort_unstable();
        changes.deleted.sort_unstable();
        changes.unread.sort_unstable();
        Ok(changes)
    }

    /// What is known of a layer that cannot be looked into at all.
    pub fn unreadable() -> Self {
        Self {
            unread: vec![".".into()],
            counts: Counts { unread: 1, ..Counts::default() },
            ..Self::default()
        }
    }

    /// Whether the layer changes nothing.
    pub fn is_empty(&self) -> bool {
        self.counts == Counts::default()
    }

    /// Whether the lists hold every path that was counted.
    pub fn is_listed_whole(&self) -> bool {
        let lists = [self.added.len(), self.modified.len(), self.deleted.len(), self.unread.len()];
        let Counts { added, modified, deleted, unread } = self.counts;
        lists.into_iter().sum::<usize>() as u64 == added + modified + deleted + unread
    }

    fn add(&mut self, path: &Path, difference: Difference<'_>, room: &mut usize) {
        let (list, count, kind) = match difference {
            Difference::Added { filled: true, .. } | Difference::Deleted { filled: true, .. } => return,
            Difference::Added { new, .. } => (&mut self.added, &mut self.counts.added, new.kind),
            Difference::Modified { new, .. } => (&mut self.modified, &mut self.counts.modified, new.kind),
            Difference::Deleted { old, .. } => (&mut self.deleted, &mut self.counts.deleted, old.kind),
            Difference::Unread => {
                self.counts.unread += 1;
                if let Some(left) = room.checked_sub(path.as_os_str().len()) {
                    *room = left;
                    self.unread.push(path.to_owned());
                }
                return;
            }
        };
        *count += 1;
        if let Some(left) = room.checked_sub(path.as_os_str().len()) {
            *room = left;
            list.push(Change { path: path.to_owned(), kind });
        }
    }
}

#[cfg(test)]
mod tests;
