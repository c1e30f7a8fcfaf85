//! A file that is either the old one or the new one, whoever is killed.

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, openat, renameat};
use rustix::io::Errno;

use crate::files::write_all;

/// What a new content is called until it is whole. A name of one writer at a time.
const UNFINISHED: &CStr = c".new";

/// Replaces the file `name` in `directory`, of which the caller is the only writer. It is not synced: a
/// killed process leaves the old or the new content, a power cut may leave neither.
pub(crate) fn replace(directory: &OwnedFd, name: &CStr, content: &[u8]) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(directory, UNFINISHED, flags, Mode::RUSR | Mode::WUSR)?;
    write_all(&file, content)?;
    renameat(directory, UNFINISHED, directory, name)
}
