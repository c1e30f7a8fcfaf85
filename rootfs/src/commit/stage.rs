//! What lands is laid out first, under a name of ours, in the directory where it will stand.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, Uid, chownat, fchmod, fchown, fstat, fsync, futimens,
    mkdirat, openat, statat, symlinkat, utimensat,
};
use rustix::io::Errno;

use super::order::Item;
use super::target::c_string;
use crate::attributes::copy_attributes;
use crate::compare::Kind;
use crate::content::copy_content;
use crate::descent::Descent;
use crate::files::write_all;
use crate::sighting::Sighting;

/// Where what lands is read from.
pub(crate) trait Content {
    /// Opens for reading what the session shows under `path`: a regular file or a directory.
    fn open(&self, path: &Path) -> Result<OwnedFd, Errno>;
}

/// How everything is staged.
pub(crate) struct Staging<'a> {
    pub(crate) content: &'a dyn Content,
    /// The project's owner, for a caller who is root.
    pub(crate) owner: Option<(u32, u32)>,
    /// Whether each file is synced by itself; else the whole file system is, once.
    pub(crate) sync_each: bool,
}

/// What could not be staged, and why.
#[derive(Debug)]
pub(crate) struct Unstaged {
    pub(crate) path: PathBuf,
    pub(crate) errno: Errno,
}

impl Staging<'_> {
    /// Lays out `items`, parents first, in `parent` under the name `staged`; tells the inode of the first.
    pub(crate) fn stage(
        &self,
        parent: BorrowedFd<'_>,
        staged: &CStr,
        items: &[Item],
    ) -> Result<u64, Unstaged> {
        let Some(first) = items.first() else {
            return Err(Unstaged { path: PathBuf::new(), errno: Errno::INVAL });
        };
        let at = |errno| Unstaged { path: first.path.clone(), errno };
        let parent = parent.try_clone_to_owned().map_err(|_| at(Errno::MFILE))?;
        let mut place = Descent::new(parent);
        let mut entered: Vec<&Item> = Vec::new();
        for item in items {
            while entered.last().is_some_and(|above| !item.path.starts_with(&above.path)) {
                self.leave(&mut place, &mut entered)?;
            }
            self.lay(&mut place, &mut entered, staged, item)
                .map_err(|errno| Unstaged { path: item.path.clone(), errno })?;
        }
        while !entered.is_empty() {
            self.leave(&mut place, &mut entered)?;
        }
        statat(place.here(), staged, AtFlags::SYMLINK_NOFOLLOW).map(|stat| stat.st_ino).map_err(at)
    }

    fn lay<'i>(
        &self,
        place: &mut Descent,
        entered: &mut Vec<&'i Item>,
        staged: &CStr,
        item: &'i Item,
    ) -> Result<(), Errno> {
        let own = item.path.file_name().map(c_string).transpose()?.unwrap_or_default();
        let name = if entered.is_empty() { staged } else { own.as_c_str() };
        match item.source.kind {
            Kind::Directory => {
                mkdirat(place.here(), name, Mode::RWXU)?;
                place.enter(name)?;
                entered.push(item);
                Ok(())
            }
            Kind::File => self.lay_file(place.here(), name, item),
            Kind::Symlink => self.lay_link(place.here(), name, item),
            Kind::Fifo | Kind::Socket | Kind::Device => Err(Errno::INVAL),
        }
    }

    /// Goes back up from a directory that is filled, and gives it what it is to have in the end.
    ///
    /// Back up first: its mode may forbid even that.
    fn leave(&self, place: &mut Descent, entered: &mut Vec<&Item>) -> Result<(), Unstaged> {
        let Some(item) = entered.pop() else { return Ok(()) };
        let finish = |place: &mut Descent| {
            let left = place.here().try_clone_to_owned().map_err(|_| Errno::MFILE)?;
            place.leave()?;
            let source = self.content.open(&item.path)?;
            copy_attributes(&source, &left)?;
            // Inherited from a directory of the project's that hands its group down.
            let inherited = fstat(&left)?.st_mode & Mode::SGID.as_raw_mode();
            self.dress(&left, item, inherited)
        };
        finish(place).map_err(|errno| Unstaged { path: item.path.clone(), errno })
    }

    fn lay_file(&self, directory: BorrowedFd<'_>, name: &CStr, item: &Item) -> Result<(), Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(directory, name, flags, Mode::RUSR | Mode::WUSR)?;
        let source = self.content.open(&item.path)?;
        let before = Sighting::of_stat(&fstat(&source)?);
        if !item.source.is_same_moved(&before) {
            return Err(Errno::STALE);
        }
        match &item.merged {
            Some(merged) => write_all(&file, merged)?,
            None => copy_content(&source, &file, before.size)?,
        }
        copy_attributes(&source, &file)?;
        if !before.is_still(&Sighting::of_stat(&fstat(&source)?)) {
            return Err(Errno::STALE);
        }
        self.dress(&file, item, 0)
    }

    fn lay_link(&self, directory: BorrowedFd<'_>, name: &CStr, item: &Item) -> Result<(), Errno> {
        let target = item.source.target().ok_or(Errno::INVAL)?;
        symlinkat(target, directory, name)?;
        if let Some((uid, gid)) = self.owner {
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            chownat(directory, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        utimensat(directory, name, &times(item), AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Owner, mode and times, in this order: each would undo what comes after.
    fn dress(&self, file: &OwnedFd, item: &Item, inherited: u32) -> Result<(), Errno> {
        if let Some((uid, gid)) = self.owner {
            fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(item.group.unwrap_or(gid))))?;
        } else if let Some(group) = item.group {
            // Only a member may give a file to a group; else it stays in the caller's.
            let _ = fchown(file, None, Some(Gid::from_raw(group)));
        }
        fchmod(file, Mode::from_raw_mode(item.mode & 0o777 | inherited))?;
        if item.merged.is_none() {
            futimens(file, &times(item))?;
        }
        if self.sync_each { fsync(file) } else { Ok(()) }
    }
}

fn times(item: &Item) -> Timestamps {
    let (seconds, nanoseconds) = item.source.modified;
    let modified = Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    Timestamps { last_access: modified, last_modification: modified }
}
