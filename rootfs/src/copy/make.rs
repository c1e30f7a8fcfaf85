//! Making a working copy of what a stack shows.

use std::collections::HashMap;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid, chmodat, chownat, fchmod, fchown,
    fstat, futimens, linkat, mkdirat, mknodat, openat, statat, symlinkat, utimensat,
};
use rustix::io::Errno;

use super::error::CopyError;
use super::manifest::{ManifestWriter, Seen};
use super::{LeftOut, Owner, Progress};
use crate::attributes::copy_attributes;
use crate::beneath::open_beneath;
use crate::compare::Kind;
use crate::content::copy_content;
use crate::files::io_error;
use crate::stack::{Found, Stack};
use crate::walk::Difference;

/// From one word about the progress to the next.
const ENTRIES_A_WORD: u64 = 1000;

/// A copy under way.
pub(super) struct Maker<'a> {
    top: OwnedFd,
    path: PathBuf,
    owner: Owner,
    manifest: ManifestWriter,
    tell: &'a mut dyn FnMut(Progress),
    progress: Progress,
    left_out: LeftOut,
    /// The directories on the way to the last path: their modes may forbid what is still to be done in them.
    open: Vec<(PathBuf, Stat)>,
    /// The last of them.
    directory: OwnedFd,
    /// The first name of each file that has several.
    linked: HashMap<(u64, u64), PathBuf>,
}

impl<'a> Maker<'a> {
    pub(super) fn new(
        top: OwnedFd,
        path: PathBuf,
        owner: Owner,
        manifest: ManifestWriter,
        tell: &'a mut dyn FnMut(Progress),
    ) -> io::Result<Self> {
        let (open, left_out, linked) = (Vec::new(), Vec::new(), HashMap::new());
        let (directory, progress) = (top.try_clone()?, Progress::default());
        Ok(Self { top, path, owner, manifest, tell, progress, left_out, open, directory, linked })
    }

    /// Copies everything, and says what was left out.
    pub(super) fn copy(mut self, stack: &Stack) -> Result<LeftOut, CopyError> {
        let mut failed = None;
        let top = stack.find(Path::new(""))?.and_then(|found| found.stat);
        stack.walk_all(&mut |path, difference| {
            if failed.is_none() {
                failed = self.add(stack, path, &difference).err();
            }
        })?;
        failed.map_or(Ok(()), Err)?;
        self.leave_all_but(None).map_err(|(path, errno)| self.failed(&path, errno))?;
        if let Some(stat) = top {
            dress(&self.top, &stat, self.owner).map_err(|errno| self.failed(Path::new(""), errno))?;
        }
        let path = self.path.clone();
        self.manifest.finish().map_err(|source| CopyError::Write { path, source })?;
        (self.tell)(self.progress);
        Ok(self.left_out)
    }

    fn add(&mut self, stack: &Stack, path: &Path, difference: &Difference<'_>) -> Result<(), CopyError> {
        let Difference::Added { new: Found { stat: Some(stat), kind, .. }, .. } = difference else {
            self.left_out.push(path.to_owned());
            return Ok(());
        };
        let Difference::Added { new: found, .. } = difference else { return Ok(()) };
        self.leave_all_but(Some(path)).map_err(|(path, errno)| self.failed(&path, errno))?;
        let made = match kind {
            Kind::File => self.add_file(stack, path, found, stat)?,
            Kind::Symlink => {
                let target = stack.read_link(path, found)?;
                self.add_named(path, stat, |parent, name| symlinkat(&target, parent, name))
            }
            Kind::Fifo => self.add_named(path, stat, |parent, name| {
                mknodat(parent, name, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
            }),
            Kind::Directory => self.add_directory(path, stat),
            Kind::Socket | Kind::Device => Err(Errno::OPNOTSUPP),
        };
        match made {
            Ok(seen) => self.note(path, &seen),
            Err(Errno::OPNOTSUPP) => {
                self.left_out.push(path.to_owned());
                Ok(())
            }
            Err(errno) => Err(self.failed(path, errno)),
        }
    }

    fn note(&mut self, path: &Path, seen: &Stat) -> Result<(), CopyError> {
        let noted = self.manifest.add(path, &Seen::of(seen));
        noted.map_err(|source| CopyError::Write { path: self.path.join(path), source })?;
        self.progress.entries += 1;
        if self.progress.entries.is_multiple_of(ENTRIES_A_WORD) {
            (self.tell)(self.progress);
        }
        Ok(())
    }

    /// Copies a file, or gives its copy another name. One that cannot be read is left out: what stands in a
    /// copy must not be empty where the project is not.
    fn add_file(
        &mut self,
        stack: &Stack,
        path: &Path,
        found: &Found,
        stat: &Stat,
    ) -> Result<Result<Stat, Errno>, CopyError> {
        if let Some(first) = self.linked.get(&(stat.st_dev, stat.st_ino)) {
            return Ok(self.link(&first.clone(), path));
        }
        let source = match stack.open_file(path, found) {
            Err(error) if error.is_closed() => return Ok(Err(Errno::OPNOTSUPP)),
            source => source?,
        };
        if stat.st_nlink > 1 {
            self.linked.insert((stat.st_dev, stat.st_ino), path.to_owned());
        }
        self.progress.bytes += stat.st_size.unsigned_abs();
        Ok(self.write_file(path, &source, stat))
    }

    fn write_file(&self, path: &Path, source: &OwnedFd, stat: &Stat) -> Result<Stat, Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (parent, name) = (self.parent(), name_of(path)?);
        let file = openat(parent, &name, flags, Mode::RUSR | Mode::WUSR)?;
        copy_content(source, &file, stat.st_size.unsigned_abs())?;
        copy_attributes(source, &file)?;
        dress(&file, stat, self.owner)?;
        fstat(&file)
    }

    fn link(&self, first: &Path, path: &Path) -> Result<Stat, Errno> {
        let (directory, first) = (first.parent().unwrap_or(Path::new("")), name_of(first)?);
        let directory = open_beneath(&self.top, directory, OFlags::DIRECTORY)?;
        let name = name_of(path)?;
        linkat(&directory, &first, self.parent(), &name, AtFlags::empty())?;
        statat(self.parent(), &name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Makes what has no content of its own.
    fn add_named(
        &self,
        path: &Path,
        stat: &Stat,
        make: impl FnOnce(BorrowedFd<'_>, &CString) -> Result<(), Errno>,
    ) -> Result<Stat, Errno> {
        let (parent, name) = (self.parent(), name_of(path)?);
        make(parent, &name)?;
        if let Some((uid, gid)) = self.owner {
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            chownat(parent, &name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        if !FileType::from_raw_mode(stat.st_mode).is_symlink() {
            chmodat(parent, &name, Mode::from_raw_mode(stat.st_mode), AtFlags::empty())?;
        }
        utimensat(parent, &name, &times(stat), AtFlags::SYMLINK_NOFOLLOW)?;
        statat(parent, &name, AtFlags::SYMLINK_NOFOLLOW)
    }

    fn add_directory(&mut self, path: &Path, stat: &Stat) -> Result<Stat, Errno> {
        let name = name_of(path)?;
        mkdirat(self.parent(), &name, Mode::RWXU)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = openat(self.parent(), &name, flags, Mode::empty())?;
        let mut seen = fstat(&directory)?;
        // It gets that when it is left; of a directory nothing else is compared.
        seen.st_mode = stat.st_mode;
        self.open.push((path.to_owned(), *stat));
        self.directory = directory;
        Ok(seen)
    }

    /// Finishes every directory that does not lead to `path`.
    fn leave_all_but(&mut self, path: Option<&Path>) -> Result<(), (PathBuf, Errno)> {
        let leads = |directory: &Path| path.is_some_and(|path| path.starts_with(directory));
        while self.open.last().is_some_and(|(directory, _)| !leads(directory)) {
            if let Some((path, stat)) = self.open.pop() {
                let above = path.parent().unwrap_or(Path::new(""));
                let dressed = dress(&self.directory, &stat, self.owner);
                let reopened = dressed.and_then(|()| open_beneath(&self.top, above, OFlags::DIRECTORY));
                self.directory = reopened.map_err(|errno| (path, errno))?;
            }
        }
        Ok(())
    }

    fn parent(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    fn failed(&self, path: &Path, errno: Errno) -> CopyError {
        CopyError::Write { path: self.path.join(path), source: io_error(errno) }
    }
}

/// Gives owner, mode and times, each of which would undo what comes after.
fn dress(file: &OwnedFd, stat: &Stat, owner: Owner) -> Result<(), Errno> {
    if let Some((uid, gid)) = owner {
        fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
    }
    fchmod(file, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
    futimens(file, &times(stat))
}

pub(crate) fn times(stat: &Stat) -> Timestamps {
    let time = |seconds, nanoseconds: i64| Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    Timestamps {
        last_access: time(stat.st_atime, stat.st_atime_nsec.cast_signed()),
        last_modification: time(stat.st_mtime, stat.st_mtime_nsec.cast_signed()),
    }
}

pub(super) fn name_of(path: &Path) -> Result<CString, Errno> {
    path.file_name().and_then(|name| CString::new(name.as_bytes()).ok()).ok_or(Errno::INVAL)
}
