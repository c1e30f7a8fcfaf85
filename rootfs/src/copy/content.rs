//! Copying one file: its blocks shared where the file system can, else its data, and holes as holes.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{
    SeekFrom, XattrFlags, copy_file_range, fgetxattr, flistxattr, fsetxattr, ftruncate, ioctl_ficlone,
    llistxattr, lremovexattr, seek,
};
use rustix::io::{Errno, pread, pwrite};

/// At most so much is copied by one call.
const BLOCK: usize = 1 << 20;
/// The kernel's own bound.
const LARGEST_ATTRIBUTE: usize = 64 << 10;
/// What belongs to overlayfs; from a command it would be forged.
const RESERVED: &[u8] = b"user.overlay.";

/// Copies `size` bytes.
pub(super) fn copy(from: &OwnedFd, to: &OwnedFd, size: u64) -> Result<(), Errno> {
    if size == 0 || ioctl_ficlone(to, from).is_ok() {
        return Ok(());
    }
    ftruncate(to, size)?;
    let mut at = 0;
    while at < size {
        let start = match seek(from, SeekFrom::Data(at)) {
            Ok(start) => start,
            // Nothing but a hole is left.
            Err(Errno::NXIO) => break,
            // Not every file system tells where its holes are.
            Err(_) => at,
        };
        let end = seek(from, SeekFrom::Hole(start)).unwrap_or(size).min(size);
        copy_range(from, to, start, end)?;
        at = end.max(start + 1);
    }
    Ok(())
}

fn copy_range(from: &OwnedFd, to: &OwnedFd, mut at: u64, end: u64) -> Result<(), Errno> {
    while at < end {
        let most = usize::try_from(end - at).unwrap_or(BLOCK).min(BLOCK);
        let (mut read, mut write) = (at, at);
        let copied = match copy_file_range(from, Some(&mut read), to, Some(&mut write), most) {
            Err(Errno::XDEV | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL | Errno::PERM) => {
                read_and_write(from, to, at, most)?
            }
            copied => copied?,
        };
        // It has become shorter meanwhile; what is missing is a hole.
        if copied == 0 {
            return Ok(());
        }
        at += copied as u64;
    }
    Ok(())
}

fn read_and_write(from: &OwnedFd, to: &OwnedFd, at: u64, most: usize) -> Result<usize, Errno> {
    let mut buffer = vec![0; most];
    let read = pread(from, &mut buffer[..], at)?;
    let mut written = 0;
    while written < read {
        written += pwrite(to, &buffer[written..read], at + written as u64)?;
    }
    Ok(read)
}

/// Copies the attributes of users, but those that mean something to overlayfs.
pub(crate) fn copy_attributes(from: &OwnedFd, to: &OwnedFd) -> Result<(), Errno> {
    for name in attributes(from)?.iter().filter(|name| !name.to_bytes().starts_with(RESERVED)) {
        let mut value = vec![0; LARGEST_ATTRIBUTE];
        let length = fgetxattr(from, name.as_c_str(), &mut value[..])?;
        fsetxattr(to, name.as_c_str(), &value[..length], XattrFlags::empty())?;
    }
    Ok(())
}

/// Removes what a command may have set to be taken for overlayfs, from a file that may be closed to us.
pub(super) fn remove_forged_attributes(path: &[u8]) -> Result<(), Errno> {
    let mut names = vec![0_u8; LARGEST_ATTRIBUTE];
    let length = match llistxattr(path, &mut names[..]) {
        Err(Errno::OPNOTSUPP) => 0,
        length => length?,
    };
    let forged = of_users(&names[..length]).filter(|name| name.to_bytes().starts_with(RESERVED));
    forged.into_iter().try_for_each(|name| lremovexattr(path, name))
}

/// The names of the attributes of users.
fn attributes(file: impl AsFd) -> Result<Vec<CString>, Errno> {
    let mut names = vec![0_u8; LARGEST_ATTRIBUTE];
    let length = match flistxattr(file, &mut names[..]) {
        Err(Errno::OPNOTSUPP) => 0,
        length => length?,
    };
    Ok(of_users(&names[..length]).map(CStr::to_owned).collect())
}

fn of_users(names: &[u8]) -> impl Iterator<Item = &CStr> {
    let names = names.split_inclusive(|&byte| byte == 0);
    let names = names.filter_map(|name| CStr::from_bytes_with_nul(name).ok());
    names.filter(|name| name.to_bytes().starts_with(b"user."))
}
