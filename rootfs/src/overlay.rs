//! How overlayfs marks, in a layer, what is gone: `Documentation/filesystems/overlayfs.rst`.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use rustix::buffer::spare_capacity;
use rustix::fs::{FileType, Stat, lgetxattr, llistxattr, llistxattr_query};
use rustix::io::Errno;

use crate::beneath::through_proc;

/// Set to `y` on a directory through which nothing of the layers below shows.
pub(crate) const OPAQUE: &str = "user.overlay.opaque";
/// Its value in a directory that hides those below.
pub(crate) const HIDES: &[u8] = b"y";
/// Its value in a directory in which whiteouts are files with an attribute.
pub(crate) const HAS_MARKED_FILES: &[u8] = b"x";
/// Set on an empty file that stands for a deletion where device nodes cannot.
pub(crate) const WHITEOUT: &str = "user.overlay.whiteout";
/// Says that a directory's content lies elsewhere. The mounts of a sandbox never write it.
const REDIRECT: &str = "user.overlay.redirect";
/// Says that a file's content lies elsewhere. The mounts of a sandbox never write it.
const METACOPY: &str = "user.overlay.metacopy";

/// What overlayfs would make of a name in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It is what it looks like.
    Plain,
    /// Nothing, here and below. Anybody may forge one (`mknod c 0 0` needs no privilege), so it only
    /// means a deletion where a layer below has the name.
    Whiteout,
    /// A directory that hides those below.
    Opaque,
    /// Something that names another place by this attribute, which the kernel would not follow either.
    Elsewhere(&'static str),
}

/// Reads the mark on `name`, of which `stat` was taken.
pub(crate) fn mark(directory: BorrowedFd<'_>, name: &CStr, stat: &Stat) -> Result<Mark, Errno> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::CharacterDevice if stat.st_rdev == 0 => Ok(Mark::Whiteout),
        FileType::Directory => {
            let path = through_proc(directory, name);
            let marks = Marks::read(&path)?;
            Ok(if marks.has(REDIRECT) {
                Mark::Elsewhere(REDIRECT)
            } else if marks.has(OPAQUE) && is_y(&path, OPAQUE) {
                Mark::Opaque
            } else {
                Mark::Plain
            })
        }
        FileType::RegularFile => {
            let marks = Marks::read(&through_proc(directory, name))?;
            Ok(if stat.st_size == 0 && marks.has(WHITEOUT) {
                Mark::Whiteout
            } else if marks.has(METACOPY) {
                Mark::Elsewhere(METACOPY)
            } else {
                Mark::Plain
            })
        }
        _ => Ok(Mark::Plain),
    }
}

/// The names of all attributes of a file, each ended by a NUL. To list them needs no right to read it.
struct Marks(Vec<u8>);

impl Marks {
    fn read(path: &[u8]) -> Result<Self, Errno> {
        loop {
            let size = match llistxattr_query(path) {
                // Most files have none, and some file systems no attributes at all.
                Ok(0) | Err(Errno::OPNOTSUPP) => return Ok(Self(Vec::new())),
                size => size?,
            };
            let mut names = Vec::with_capacity(size);
            match llistxattr(path, spare_capacity(&mut names)) {
                // More came between the two calls.
                Err(Errno::RANGE) => {}
                read => return read.map(|_| Self(names)),
            }
        }
    }

    fn has(&self, name: &str) -> bool {
        self.0.split(|&byte| byte == 0).any(|one| one == name.as_bytes())
    }
}

fn is_y(path: &[u8], name: &str) -> bool {
    let mut value = [0_u8; 2];
    lgetxattr(path, name, &mut value[..]) == Ok(1) && value[0] == b'y'
}
