//! Removing a tree in which every byte may be an attacker's: any depth, any name, any mode.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, chmodat, fchmod, fstat, openat, unlinkat};
use rustix::io::Errno;

use crate::descent::{Descent, entries, step};
use crate::files::{io_error, path_of};
use crate::work::{AtWork, Work};

/// Why a tree is not wholly gone: the first thing that stayed.
#[derive(Debug, thiserror::Error)]
#[error("removing `{}`", path.display())]
pub struct RemoveError {
    /// What stayed, relative to the directory that was to be emptied.
    pub path: PathBuf,
    /// What the kernel said.
    pub source: io::Error,
}

impl RemoveError {
    pub(crate) fn new(name: &CStr, errno: Errno) -> Self {
        Self { path: path_of(name.to_bytes().to_vec()), source: io_error(errno) }
    }

    /// What the caller can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match Errno::from_io_error(&self.source)? {
            Errno::BUSY => Some("something is still mounted there; unmount it, or let its process end"),
            Errno::PERM | Errno::ACCESS => Some("it belongs to another user or is immutable (`lsattr`)"),
            Errno::NOTEMPTY => Some("something still writes there; the next command tries again"),
            _ => None,
        }
    }
}

/// Removes `name` beneath `parent` with all that is in it; that it is gone already is fine.
///
/// No link is followed, nothing outside is touched. What cannot be removed stays, with what leads to it,
/// and the rest goes all the same.
pub fn remove_tree(parent: BorrowedFd<'_>, name: &CStr) -> Result<(), RemoveError> {
    let work = AtWork::on(Work::Remove);
    let mut removal = Removal { path: vec![name.to_owned()], first: None, work };
    removal.run(parent, name);
    removal.first.map_or(Ok(()), Err)
}

struct Removal {
    /// The names from the top to the current directory, for the message.
    path: Vec<CString>,
    first: Option<RemoveError>,
    work: AtWork,
}

impl Removal {
    fn run(&mut self, parent: BorrowedFd<'_>, name: &CStr) {
        let top = match remove_or_open(parent, name) {
            Ok(None) => return,
            Ok(Some(top)) => top,
            Err(errno) => return self.stayed(None, errno),
        };
        let mut descent = Descent::new(top);
        if let Err(errno) = self.empty(&mut descent) {
            self.stayed(None, errno);
        }
        if let Err(errno) = unlink(parent, name, AtFlags::REMOVEDIR) {
            self.stayed(None, errno);
        }
    }

    /// Empties the top directory: files of a level first, then each directory in it, deepest first.
    fn empty(&mut self, descent: &mut Descent) -> Result<(), Errno> {
        let mut pending = vec![self.unlink_files(descent.here())?];
        while let Some(directories) = pending.last_mut() {
            if let Some(name) = directories.pop() {
                if self.enter(descent, &name)? {
                    self.path.push(name);
                    let below = self.unlink_files(descent.here());
                    pending.push(self.or_stayed(below));
                }
                continue;
            }
            pending.pop();
            if let Some(name) = pending.last().and_then(|_| self.path.pop()) {
                descent.leave()?;
                self.unlink_or_stay(descent.here(), &name, AtFlags::REMOVEDIR);
            }
        }
        Ok(())
    }

    /// Removes the directory at once if it is empty, else enters it.
    fn enter(&mut self, descent: &mut Descent, name: &CStr) -> Result<bool, Errno> {
        match remove_or_open(descent.here(), name) {
            Ok(Some(directory)) => descent.push(directory).map(|()| true),
            Ok(None) => Ok(false),
            Err(errno) => {
                self.stayed(Some(name), errno);
                Ok(false)
            }
        }
    }

    /// Unlinks what is no directory and returns the names that are.
    fn unlink_files(&mut self, directory: BorrowedFd<'_>) -> Result<Vec<CString>, Errno> {
        let mut directories = Vec::new();
        for entry in entries(directory)? {
            match entry.kind {
                FileType::Directory | FileType::Unknown => directories.push(entry.name),
                _ => {
                    self.unlink_or_stay(directory, &entry.name, AtFlags::empty());
                    self.work.step();
                }
            }
        }
        Ok(directories)
    }

    fn unlink_or_stay(&mut self, directory: BorrowedFd<'_>, name: &CStr, flags: AtFlags) {
        if let Err(errno) = unlink(directory, name, flags) {
            self.stayed(Some(name), errno);
        }
    }

    fn or_stayed(&mut self, names: Result<Vec<CString>, Errno>) -> Vec<CString> {
        names.unwrap_or_else(|errno| {
            self.stayed(None, errno);
            Vec::new()
        })
    }

    /// What is not there has not stayed: two of us may be at work on the same tree.
    fn stayed(&mut self, name: Option<&CStr>, errno: Errno) {
        if errno == Errno::NOENT {
            return;
        }
        let names = self.path.iter().map(CString::as_c_str).chain(name);
        self.first.get_or_insert_with(|| RemoveError {
            path: names.map(|name| path_of(name.to_bytes().to_vec())).collect(),
            source: io_error(errno),
        });
    }
}

/// Removes `name` if one call can do that; otherwise it is a directory with something in it, and opened.
///
/// Most directories of a run are empty when it ends, so the removal is tried before the look.
fn remove_or_open(parent: BorrowedFd<'_>, name: &CStr) -> Result<Option<OwnedFd>, Errno> {
    match unlink(parent, name, AtFlags::REMOVEDIR) {
        Ok(()) => Ok(None),
        Err(Errno::NOTDIR) => unlink(parent, name, AtFlags::empty()).map(|()| None),
        Err(Errno::NOTEMPTY | Errno::EXIST) => match step(parent, name) {
            Err(Errno::ACCESS) => step_by_force(parent, name).map(Some),
            opened => opened.map(Some),
        },
        Err(errno) => Err(errno),
    }
}

/// Unlinks one name; a directory without write permission is given it first, as its owner may.
fn unlink(directory: BorrowedFd<'_>, name: &CStr, flags: AtFlags) -> Result<(), Errno> {
    let outcome = match unlinkat(directory, name, flags) {
        Err(Errno::ACCESS) => fchmod(directory, Mode::RWXU).and_then(|()| unlinkat(directory, name, flags)),
        outcome => outcome,
    };
    if outcome == Err(Errno::NOENT) { Ok(()) } else { outcome }
}

/// Opens a directory whose mode forbids it to its owner, as `000` of overlay's work directory does.
///
/// `fchmodat` follows links, so the directory is held by `O_PATH` first and changed through its descriptor.
pub(crate) fn step_by_force(parent: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let held = openat(parent, name, flags, Mode::empty())?;
    chmodat(CWD, format!("/proc/self/fd/{}", held.as_raw_fd()), Mode::RWXU, AtFlags::empty())?;
    step(held.as_fd(), c".")
}

/// Lets the owner of the directory `name` into it, and leaves the rest of its mode as it is.
pub(crate) fn permit_owner(parent: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let held = openat(parent, name, flags, Mode::empty())?;
    let mode = Mode::from_raw_mode(fstat(&held)?.st_mode & 0o7777);
    if mode.contains(Mode::RWXU) {
        return Ok(());
    }
    chmodat(CWD, format!("/proc/self/fd/{}", held.as_raw_fd()), mode | Mode::RWXU, AtFlags::empty())
}

#[cfg(test)]
mod tests;
