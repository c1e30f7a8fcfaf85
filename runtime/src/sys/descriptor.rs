//! Descriptors by number.

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};

/// Closes the descriptors `first..=last`, or with `CLOSE_RANGE_CLOEXEC` marks them for closing.
/// <https://man7.org/linux/man-pages/man2/close_range.2.html>
pub(crate) fn close_range(first: u32, last: u32, flags: libc::c_uint) -> io::Result<()> {
    // SAFETY: the caller gives up every descriptor of the range; nothing else is touched.
    super::check(unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) })?;
    Ok(())
}

/// Takes ownership of a descriptor that `recvmsg(2)` has just put into this process.
pub(crate) fn adopt_received(descriptor: RawFd) -> OwnedFd {
    // SAFETY: SCM_RIGHTS made this descriptor for us; nobody else knows its number.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}
