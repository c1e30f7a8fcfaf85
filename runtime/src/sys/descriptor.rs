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

/// Duplicates whatever a caller has under a number; `EBADF` where that is nothing.
/// <https://man7.org/linux/man-pages/man2/fcntl.2.html>
pub fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
    const LOWEST: libc::c_int = 3;
    // SAFETY: the kernel looks the number up, and answers EBADF where there is nothing; no memory is touched.
    let copy =
        super::check(unsafe { libc::syscall(libc::SYS_fcntl, number, libc::F_DUPFD_CLOEXEC, LOWEST) })?;
    // SAFETY: the kernel has just made this descriptor; nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(copy as RawFd) })
}

/// Takes ownership of a descriptor that `recvmsg(2)` has just put into this process.
pub(crate) fn adopt_received(descriptor: RawFd) -> OwnedFd {
    // SAFETY: SCM_RIGHTS made this descriptor for us; nobody else knows its number.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}
