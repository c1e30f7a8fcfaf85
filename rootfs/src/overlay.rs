//! How overlayfs marks, in an upper, what is gone: `Documentation/filesystems/overlayfs.rst`.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, Mode, OFlags, Stat, fgetxattr, openat};

/// Set to `y` on a directory through which nothing of the lower shows.
const OPAQUE: &str = "user.overlay.opaque";
/// Set on an empty file that stands for a deletion where device nodes cannot.
const WHITEOUT: &str = "user.overlay.whiteout";

/// Whether the name is a whiteout. Anybody may forge one (`mknod c 0 0` needs no privilege), so it only
/// means a deletion where the lower has the name.
pub(crate) fn is_whiteout(directory: BorrowedFd<'_>, name: &CStr, stat: &Stat) -> bool {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::CharacterDevice => stat.st_rdev == 0,
        FileType::RegularFile => stat.st_size == 0 && has_whiteout_mark(directory, name),
        _ => false,
    }
}

/// Whether nothing of the lower shows through the open directory.
pub(crate) fn is_opaque(directory: BorrowedFd<'_>) -> bool {
    let mut value = [0_u8; 2];
    fgetxattr(directory, OPAQUE, &mut value[..]) == Ok(1) && value[0] == b'y'
}

fn has_whiteout_mark(directory: BorrowedFd<'_>, name: &CStr) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(directory, name, flags, Mode::empty());
    let mut none: [u8; 0] = [];
    file.is_ok_and(|file| fgetxattr(file, WHITEOUT, &mut none[..]).is_ok())
}
