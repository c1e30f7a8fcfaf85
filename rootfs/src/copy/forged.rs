//! Attributes that a command set so that overlayfs, or we, would obey them.

use std::ffi::CStr;

use rustix::fs::{llistxattr, lremovexattr};
use rustix::io::Errno;

/// The kernel's own bound.
const LARGEST: usize = 64 << 10;
/// What belongs to overlayfs; from a command it would be forged.
const RESERVED: &[u8] = b"user.overlay.";

/// Removes what a command may have set to be taken for overlayfs, from a file that may be closed to us.
pub(super) fn remove_forged_attributes(path: &[u8]) -> Result<(), Errno> {
    let mut names = vec![0_u8; LARGEST];
    let length = match llistxattr(path, &mut names[..]) {
        Err(Errno::OPNOTSUPP) => 0,
        length => length?,
    };
    let forged = of_users(&names[..length]).filter(|name| name.to_bytes().starts_with(RESERVED));
    forged.into_iter().try_for_each(|name| lremovexattr(path, name))
}

fn of_users(names: &[u8]) -> impl Iterator<Item = &CStr> {
    let names = names.split_inclusive(|&byte| byte == 0);
    let names = names.filter_map(|name| CStr::from_bytes_with_nul(name).ok());
    names.filter(|name| name.to_bytes().starts_with(b"user."))
}
