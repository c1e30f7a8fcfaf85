//! What a patch is held against: a tree that can be looked at.

use std::ffi::OsString;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, OFlags, fstat, readlinkat, statat};
use rustix::io::Errno;

use super::class::{Class, Refusal};
use crate::beneath::open_beneath;
use crate::compare::Kind;
use crate::descent::entries;
use crate::files::{io_error, open_directory, os_str, path_of};
use crate::hidden::Hidden;

/// A tree of files. Paths are relative to its top, and no link on them is followed.
pub trait Tree {
    /// What stands under a path; none if nothing does, or if a link or a file stands on the way.
    fn kind(&self, path: &Path) -> Result<Option<Kind>, Refusal>;
    /// A regular file: what it holds, at most `limit` bytes of it, is written to `content`, which is empty.
    fn file(&self, path: &Path, limit: usize, content: &mut Vec<u8>) -> Result<Read, Refusal>;
    /// Where a link leads.
    fn target(&self, path: &Path) -> Result<PathBuf, Refusal>;
    /// The names in a directory.
    fn names(&self, path: &Path) -> Result<Vec<OsString>, Refusal>;
}

/// What was found where a regular file was looked for.
#[derive(Debug)]
pub enum Read {
    /// It is there.
    File {
        /// The twelve bits of its mode.
        mode: u32,
    },
    /// Something else, or nothing, or something beyond a link.
    Other,
}

/// A directory and all that lies beneath it.
#[derive(Debug)]
pub struct DirectoryTree {
    pub(super) top: OwnedFd,
    /// What is in it and out of sight: a directory that holds some of it is not empty.
    pub(super) hidden: Hidden,
}

impl DirectoryTree {
    /// The tree beneath the directory `path`, which may be reached through links.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let hidden = Hidden::default();
        open_directory(path).map(|top| Self { top, hidden }).map_err(io_error)
    }

    /// The same, of which some is not seen.
    pub fn hiding(self, hidden: Hidden) -> Self {
        Self { hidden, ..self }
    }
}

impl Tree for DirectoryTree {
    fn kind(&self, path: &Path) -> Result<Option<Kind>, Refusal> {
        // Most of what is asked about is not there. A look that follows links finds no less than one that does not,
        // and takes half the time.
        if let Err(Errno::NOENT | Errno::NOTDIR) = statat(&self.top, path, AtFlags::SYMLINK_NOFOLLOW) {
            return Ok(None);
        }
        match open_beneath(&self.top, path, OFlags::PATH) {
            Ok(held) => Ok(Some(Kind::of(&fstat(&held).map_err(|errno| unread(path, errno))?))),
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(unread(path, errno)),
        }
    }

    fn file(&self, path: &Path, limit: usize, content: &mut Vec<u8>) -> Result<Read, Refusal> {
        let held = match open_beneath(&self.top, path, OFlags::empty()) {
            Ok(held) => held,
            // A socket or device, too, is something else.
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::NXIO) => return Ok(Read::Other),
            Err(errno) => return Err(unread(path, errno)),
        };
        let stat = fstat(&held).map_err(|errno| unread(path, errno))?;
        if Kind::of(&stat) != Kind::File {
            return Ok(Read::Other);
        }
        let size = usize::try_from(stat.st_size).unwrap_or(usize::MAX);
        if size > limit {
            return Err(too_much(path));
        }
        content.reserve(size + 1);
        loop {
            match rustix::io::read(&held, spare_capacity(content)) {
                Ok(0) => break,
                // There was room for more, so it ends there.
                Ok(_) if content.len() == size && size <= limit => break,
                Ok(_) if content.len() > limit => return Err(too_much(path)),
                Ok(_) if content.len() == content.capacity() => content.reserve(4096),
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(unread(path, errno)),
            }
        }
        Ok(Read::File { mode: stat.st_mode & 0o7777 })
    }

    fn target(&self, path: &Path) -> Result<PathBuf, Refusal> {
        let target = open_beneath(&self.top, path, OFlags::PATH)
            .and_then(|held| readlinkat(held, c"", Vec::new()))
            .map_err(|errno| unread(path, errno))?;
        Ok(path_of(target.into_bytes()))
    }

    fn names(&self, path: &Path) -> Result<Vec<OsString>, Refusal> {
        let found = open_beneath(&self.top, path, OFlags::DIRECTORY).and_then(|held| entries(held.as_fd()));
        let found = found.map_err(|errno| unread(path, errno))?;
        Ok(found.iter().map(|entry| os_str(&entry.name).to_owned()).collect())
    }
}

fn unread(path: &Path, errno: Errno) -> Refusal {
    Class::Unread.refuse(format!("it cannot be read: {}", io_error(errno))).of(path)
}

fn too_much(path: &Path) -> Refusal {
    Class::Size.refuse("the files that it changes are larger than is permitted").of(path)
}
