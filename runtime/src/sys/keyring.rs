//! The session keyring.

use std::io;

/// `KEYCTL_JOIN_SESSION_KEYRING`, `linux/keyctl.h`.
const KEYCTL_JOIN_SESSION_KEYRING: libc::c_ulong = 1;

/// Gives the caller a new, empty session keyring in place of the inherited one.
/// <https://man7.org/linux/man-pages/man3/keyctl_join_session_keyring.3.html>
pub(crate) fn keyctl_join_session_keyring() -> io::Result<()> {
    // SAFETY: a null name asks for an anonymous keyring; nothing else is read.
    super::check(unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0usize) })?;
    Ok(())
}
