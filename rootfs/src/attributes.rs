//! The attributes that a command may give to a file: those of users, but for overlayfs's own.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;

use rustix::fs::{XattrFlags, fgetxattr, flistxattr, flistxattr_query, fsetxattr};
use rustix::io::Errno;

/// The kernel allows no more, of names together or of a value.
const LARGEST: usize = 64 * 1024;

/// Reads all of them.
pub(crate) fn attributes(file: &OwnedFd) -> Result<BTreeMap<CString, Vec<u8>>, Errno> {
    match flistxattr_query(file) {
        // Most files have none, and some file systems know none.
        Ok(0) | Err(Errno::OPNOTSUPP) => return Ok(BTreeMap::new()),
        size => size?,
    };
    let mut names = vec![0; LARGEST];
    let length = flistxattr(file, &mut names[..])?;
    let names = names[..length].split_inclusive(|&byte| byte == 0);
    let names = names.filter_map(|name| CStr::from_bytes_with_nul(name).ok());
    let theirs = |name: &&CStr| {
        name.to_bytes().starts_with(b"user.") && !name.to_bytes().starts_with(b"user.overlay.")
    };
    names.filter(theirs).map(|name| Ok((name.to_owned(), value(file, name)?))).collect()
}

/// Gives `to` all that `from` has of them.
pub(crate) fn copy_attributes(from: &OwnedFd, to: &OwnedFd) -> Result<(), Errno> {
    let set =
        |(name, value): (&CString, &Vec<u8>)| fsetxattr(to, name.as_c_str(), value, XattrFlags::empty());
    attributes(from)?.iter().try_for_each(set)
}

fn value(file: &OwnedFd, name: &CStr) -> Result<Vec<u8>, Errno> {
    let mut value = vec![0; LARGEST];
    let length = fgetxattr(file, name, &mut value[..])?;
    value.truncate(length);
    Ok(value)
}
