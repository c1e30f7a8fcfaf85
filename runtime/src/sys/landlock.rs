//! What the `landlock` crate keeps to itself.

use std::io;
use std::os::fd::RawFd;

/// `LANDLOCK_CREATE_RULESET_VERSION`, `linux/landlock.h`.
const CREATE_RULESET_VERSION: libc::c_ulong = 1;

/// Asks the kernel for its Landlock ABI; `None` where Landlock is absent or off.
/// <https://docs.kernel.org/userspace-api/landlock.html#compatibility>
pub fn landlock_abi() -> Option<u32> {
    // SAFETY: with the version flag the kernel reads neither pointer nor size.
    let answer =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, 0usize, 0usize, CREATE_RULESET_VERSION) };
    u32::try_from(answer).ok()
}

/// Puts the calling thread, and all that it will start, under a ruleset; it must have no new privileges. Nothing is
/// allocated, as the crate's own way does. A number that is no descriptor is `EBADF` where the call is permitted.
/// <https://man7.org/linux/man-pages/man2/landlock_restrict_self.2.html>
pub(crate) fn landlock_restrict_self(ruleset: RawFd) -> io::Result<()> {
    // SAFETY: the kernel only looks the descriptor up.
    super::check(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0) }).map(drop)
}
