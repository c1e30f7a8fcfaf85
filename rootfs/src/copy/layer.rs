//! Putting changes into a layer as overlayfs would.

use std::ffi::CStr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Stat, Uid, XattrFlags, chownat, fchmod, fchown, fsetxattr, fstat,
    futimens, mkdirat, mknodat, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;

use super::Owner;
use super::forged::remove_forged_attributes;
use super::make::{name_of, times};
use crate::beneath::{open_beneath, through_proc};
use crate::compare::Kind;
use crate::overlay::{HAS_MARKED_FILES, HIDES, OPAQUE, WHITEOUT};
use crate::remove::{remove_tree, step_by_force};
use crate::stack::Stack;

/// A layer which is being filled.
pub(super) struct Layer<'a> {
    pub(super) top: OwnedFd,
    pub(super) below: &'a Stack,
    pub(super) owner: Owner,
}

impl Layer<'_> {
    /// Makes a directory that the view had before, and those that lead to it. Until it is finished, only its
    /// owner may use it.
    pub(super) fn directory(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let Some(above) = path.parent() else { return self.top.try_clone().map_err(|_| Errno::MFILE) };
        match open_beneath(&self.top, path, OFlags::DIRECTORY) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
            Err(Errno::ACCESS) => return step_by_force(self.directory(above)?.as_fd(), &name_of(path)?),
            opened => return opened,
        }
        let (above, name) = (self.directory(above)?, name_of(path)?);
        // A whiteout, or a file that a command of the session wrote before.
        unless_absent(unlinkat(&above, &name, AtFlags::empty()))?;
        mkdirat(&above, &name, Mode::RWXU)?;
        open_beneath(&above, Path::new(crate::files::os_str(&name)), OFlags::DIRECTORY)
    }

    /// Makes a directory that the view did not have: nothing that lies below the layer shows in it.
    pub(super) fn new_directory(&self, path: &Path) -> Result<(), Errno> {
        let directory = self.directory(path)?;
        let found = self.below.find(path).map_err(|error| error.errno())?;
        if found.is_some_and(|found| found.kind == Kind::Directory) {
            fsetxattr(&directory, OPAQUE, HIDES, XattrFlags::empty())?;
        }
        Ok(())
    }

    /// Gives a directory of the layer, if there is one, what the copy's has.
    pub(super) fn finish(&self, path: &Path, stat: &Stat) -> Result<(), Errno> {
        let directory = match open_beneath(&self.top, path, OFlags::DIRECTORY) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
            opened => opened?,
        };
        if let Some((uid, gid)) = self.owner {
            fchown(&directory, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        }
        fchmod(&directory, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
        futimens(&directory, &times(stat))
    }

    /// Moves `name` from the directory `from` of the copy to `path`.
    pub(super) fn take(&self, from: BorrowedFd<'_>, name: &CStr, path: &Path) -> Result<(), Errno> {
        let into = self.parent(path)?;
        clear(&into, name)?;
        match renameat(from, name, &into, name) {
            // The copy's directory forbids that to its owner, or belongs to the user that the command was.
            Err(Errno::ACCESS) => {
                fchmod(from, Mode::from_raw_mode(fstat(from)?.st_mode & 0o7777) | Mode::RWXU)?;
                renameat(from, name, &into, name)?;
            }
            moved => moved?,
        }
        if let Some((uid, gid)) = self.owner {
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            chownat(&into, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        remove_forged(&into, name)
    }

    /// Says that `path`, which the view had, is gone.
    pub(super) fn delete(&self, path: &Path) -> Result<(), Errno> {
        let (into, name) = (self.parent(path)?, name_of(path)?);
        clear(&into, &name)?;
        if self.below.find(path).map_err(|error| error.errno())?.is_none() {
            return Ok(());
        }
        match mknodat(&into, &name, FileType::CharacterDevice, Mode::empty(), 0) {
            // Some containers permit no device at all.
            Err(Errno::PERM | Errno::ACCESS) => mark_deleted(&into, &name),
            made => made,
        }
    }

    fn parent(&self, path: &Path) -> Result<OwnedFd, Errno> {
        self.directory(path.parent().unwrap_or(Path::new("")))
    }
}

/// Makes room for a name.
fn clear(directory: &OwnedFd, name: &CStr) -> Result<(), Errno> {
    let removed = remove_tree(directory.as_fd(), name);
    removed.map_err(|error| Errno::from_io_error(&error.source).unwrap_or(Errno::IO))
}

/// The other form of a whiteout.
fn mark_deleted(directory: &OwnedFd, name: &CStr) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = openat(directory, name, flags, Mode::RUSR | Mode::WUSR)?;
    fsetxattr(&file, WHITEOUT, b"", XattrFlags::empty())?;
    match fsetxattr(directory, OPAQUE, HAS_MARKED_FILES, XattrFlags::CREATE) {
        Err(Errno::EXIST) => Ok(()),
        set => set,
    }
}

/// A command may have set attributes that overlayfs would obey.
fn remove_forged(directory: &OwnedFd, name: &CStr) -> Result<(), Errno> {
    let stat = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(stat.st_mode).is_file() {
        remove_forged_attributes(&through_proc(directory, name))?;
    }
    Ok(())
}

fn unless_absent(done: Result<(), Errno>) -> Result<(), Errno> {
    if done == Err(Errno::NOENT) { Ok(()) } else { done }
}
