//! What the session changes, path by path: each difference between the project and what the session shows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rustix::fs::Stat;

use crate::compare::Kind;
use crate::path_text::PathText;
use crate::sighting::Sighting;
use crate::stack::{Found, Stack};
use crate::walk::{Difference, WalkError, compare};

/// A difference under one path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edit {
    /// What the project has.
    pub(crate) old: Option<Sighting>,
    /// The group of that.
    pub(crate) old_group: Option<u32>,
    /// Names of that.
    pub(crate) old_links: u64,
    /// What the session shows.
    pub(crate) new: Option<Sighting>,
    /// Names of that, and bytes of its blocks.
    pub(crate) links: u64,
    pub(crate) allocated: u64,
    /// It, or what is below it, could not be looked at.
    pub(crate) unread: bool,
}

impl Edit {
    pub(crate) fn old_kind(&self) -> Option<Kind> {
        self.old.as_ref().map(|old| old.kind)
    }

    pub(crate) fn new_kind(&self) -> Option<Kind> {
        self.new.as_ref().map(|new| new.kind)
    }

    /// Whether the project has the file under another name, too.
    pub(crate) fn has_other_names(&self) -> bool {
        self.old_kind() == Some(Kind::File) && self.old_links > 1
    }

    /// Whether a directory stands there before and after.
    pub(crate) fn stays_directory(&self) -> bool {
        self.old_kind() == Some(Kind::Directory) && self.new_kind() == Some(Kind::Directory)
    }
}

/// All edits by their paths, parents first.
pub(crate) type Edits = BTreeMap<PathBuf, Edit>;

/// Compares the project with what the session shows.
pub(crate) fn edits(project: &Stack, session: &Stack) -> Result<Edits, WalkError> {
    let mut edits = Edits::new();
    let mut failed = None;
    compare(project, session, &mut |path, difference| {
        if let Err(error) = add(&mut edits, (project, session), path, difference) {
            failed.get_or_insert(error);
        }
    })?;
    failed.map_or(Ok(edits), Err)
}

fn add(
    edits: &mut Edits,
    (project, session): (&Stack, &Stack),
    path: &Path,
    difference: Difference<'_>,
) -> Result<(), WalkError> {
    let edit = edits.entry(path.to_owned()).or_default();
    let (old, new) = match difference {
        Difference::Added { new, .. } => (None, Some(new)),
        Difference::Modified { old, new } => (Some(old), Some(new)),
        Difference::Deleted { old, .. } => (Some(old), None),
        Difference::Unread => {
            edit.unread = true;
            return Ok(());
        }
    };
    if let Some(old) = old {
        edit.old = sighting(project, path, old)?;
        edit.old_group = old.stat.as_ref().map(|stat| stat.st_gid);
        edit.old_links = old.stat.as_ref().map_or(0, |stat| stat.st_nlink);
        edit.unread |= edit.old.is_none();
    }
    if let Some(new) = new {
        edit.new = sighting(session, path, new)?;
        edit.links = new.stat.as_ref().map_or(0, |stat| stat.st_nlink);
        edit.allocated = new.stat.as_ref().map_or(0, |stat| stat.st_blocks.unsigned_abs() * 512);
        edit.unread |= edit.new.is_none();
    }
    Ok(())
}

/// None where a directory on the way can be listed and not searched.
fn sighting(stack: &Stack, path: &Path, found: &Found) -> Result<Option<Sighting>, WalkError> {
    let Some(stat) = &found.stat else { return Ok(None) };
    of_found(stack, path, found, stat).map(Some)
}

fn of_found(stack: &Stack, path: &Path, found: &Found, stat: &Stat) -> Result<Sighting, WalkError> {
    let target = match found.kind {
        Kind::Symlink => Some(PathText(stack.read_link(path, found)?)),
        _ => None,
    };
    Ok(Sighting { target, ..Sighting::of_stat(stat) })
}
