//! Merging layers, so that a long history costs no depth: what is seen through the stack stays the same.
//!
//! A sealed layer never changes, so the merged one shares its files by hard links; the two are still there,
//! whole, until a record names the merged one instead.

use std::ffi::CStr;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::fs::{
    AtFlags, Gid, Mode, Stat, Uid, XattrFlags, fchmod, fchown, fgetxattr, fsetxattr, fstat, futimens, linkat,
    mkdirat, statat,
};
use rustix::io::Errno;

use crate::attributes::copy_attributes;
use crate::copy::times;
use crate::descent::{Entry, entries, step};
use crate::files::is_directory;
use crate::overlay::{HAS_MARKED_FILES, HIDES, Mark, OPAQUE, mark};
use crate::remove::step_by_force;
use crate::work::{self, Work};

/// Lays what `newer`, a directory of a layer, has over what `older`, the same directory of the layer below it,
/// has, into the empty directory `into`. One of the two may be missing.
pub(crate) fn merge(older: Option<&OwnedFd>, newer: Option<&OwnedFd>, into: &OwnedFd) -> Result<(), Errno> {
    merge_directory(&Directory { older, newer, hides: false, depth: 0 }, into)
}

/// Every level holds three descriptors and a frame of the stack. A command may make a tree of any depth.
const DEEPEST: usize = 128;

/// A directory as the two layers have it.
struct Directory<'a> {
    older: Option<&'a OwnedFd>,
    newer: Option<&'a OwnedFd>,
    /// Whether nothing of the layers below the two shows through it.
    hides: bool,
    /// How many are above it.
    depth: usize,
}

fn merge_directory(directory: &Directory<'_>, into: &OwnedFd) -> Result<(), Errno> {
    let sides = || [directory.newer, directory.older].into_iter().flatten();
    let mut names = Vec::new();
    for side in sides() {
        names.extend(entries(side.as_fd())?);
    }
    names.sort_by(|one, other| one.name.cmp(&other.name));
    names.dedup_by(|one, other| one.name == other.name);
    names.iter().try_for_each(|Entry { name, .. }| merge_name(directory, into, name))?;
    if directory.hides {
        fsetxattr(into, OPAQUE, HIDES, XattrFlags::empty())?;
    } else if sides().any(|side| value_of_opaque(side) == Some(HAS_MARKED_FILES[0])) {
        fsetxattr(into, OPAQUE, HAS_MARKED_FILES, XattrFlags::empty())?;
    }
    sides().next().map_or(Ok(()), |top| finish(top, into))
}

/// What a layer has under a name.
struct Side<'a> {
    directory: &'a OwnedFd,
    stat: Stat,
    mark: Mark,
}

impl<'a> Side<'a> {
    fn of(directory: Option<&'a OwnedFd>, name: &CStr) -> Result<Option<Self>, Errno> {
        let Some(directory) = directory else { return Ok(None) };
        match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(None),
            stat => {
                let stat = stat?;
                let mark = mark(directory.as_fd(), name, &stat)?;
                Ok(Some(Self { directory, stat, mark }))
            }
        }
    }

    fn is_directory(&self) -> bool {
        is_directory(&self.stat)
    }

    fn open(&self, name: &CStr) -> Result<OwnedFd, Errno> {
        match step(self.directory, name) {
            Err(Errno::ACCESS) => reopen_by_force(self, name),
            opened => opened,
        }
    }

    fn link(&self, name: &CStr, into: &OwnedFd) -> Result<(), Errno> {
        linkat(self.directory, name, into, name, AtFlags::empty())
    }
}

/// A directory that its mode closes to its owner is opened all the same, and has its mode back at once.
fn reopen_by_force(side: &Side<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let opened = step_by_force(side.directory.as_fd(), name)?;
    fchmod(&opened, Mode::from_raw_mode(side.stat.st_mode & 0o7777))?;
    Ok(opened)
}

fn merge_name(directory: &Directory<'_>, into: &OwnedFd, name: &CStr) -> Result<(), Errno> {
    let (older, newer) = (Side::of(directory.older, name)?, Side::of(directory.newer, name)?);
    let Some(shown) = newer.as_ref().or(older.as_ref()) else { return Ok(()) };
    work::step(Work::Merge);
    match shown.mark {
        Mark::Elsewhere(_) => return Err(Errno::UCLEAN),
        Mark::Whiteout if directory.hides => return Ok(()),
        _ if !shown.is_directory() => return shown.link(name, into),
        _ => {}
    }
    let below = match (&newer, &older) {
        (Some(newer), Some(older)) if newer.mark != Mark::Opaque && older.is_directory() => Some(older),
        _ => None,
    };
    if directory.depth == DEEPEST {
        return Err(Errno::NAMETOOLONG);
    }
    mkdirat(into, name, Mode::RWXU)?;
    let (top, made) = (shown.open(name)?, step(into, name)?);
    let below_top = below.map(|below| below.open(name)).transpose()?;
    // What lies below the two layers stays hidden where the lower of them hid it, and where a directory
    // stands on something that was none.
    let stands_on_none = below.is_none() && newer.is_some() && older.is_some();
    let hides = directory.hides || below.unwrap_or(shown).mark == Mark::Opaque || stands_on_none;
    let (older, newer, depth) = (below_top.as_ref(), Some(&top), directory.depth + 1);
    merge_directory(&Directory { older, newer, hides, depth }, &made)
}

/// Gives the merged directory what the newer one has.
fn finish(top: &OwnedFd, into: &OwnedFd) -> Result<(), Errno> {
    copy_attributes(top, into)?;
    let (stat, made) = (fstat(top)?, fstat(into)?);
    if (stat.st_uid, stat.st_gid) != (made.st_uid, made.st_gid) {
        fchown(into, Some(Uid::from_raw(stat.st_uid)), Some(Gid::from_raw(stat.st_gid)))?;
    }
    fchmod(into, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
    futimens(into, &times(&stat))
}

fn value_of_opaque(directory: &OwnedFd) -> Option<u8> {
    let mut value = [0_u8; 2];
    (fgetxattr(directory, OPAQUE, &mut value[..]) == Ok(1)).then_some(value[0])
}

#[cfg(test)]
mod tests;
