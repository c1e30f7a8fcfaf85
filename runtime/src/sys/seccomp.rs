//! System call filters that ask a listener, and what it hears and answers.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

use seccompiler::sock_filter;

/// `SECCOMP_IOCTL_NOTIF_RECV`, `_SEND` and `_ID_VALID`, `linux/seccomp.h`.
const RECEIVE: libc::c_ulong = 0xC050_2100;
const SEND: libc::c_ulong = 0xC018_2101;
const ID_VALID: libc::c_ulong = 0x4008_2102;

/// A call that waits for an answer: `struct seccomp_notif`.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct Notification {
    pub(crate) id: u64,
    /// The thread, as the reader's PID namespace numbers it.
    pub(crate) thread: u32,
    flags: u32,
    pub(crate) number: i32,
    architecture: u32,
    instruction: u64,
    pub(crate) arguments: [u64; 6],
}

/// `struct seccomp_notif_resp`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
struct Response {
    id: u64,
    value: i64,
    error: i32,
    flags: u32,
}

/// Loads a filter upon the calling thread, which has `no_new_privs`, and gives its listener, closed on exec. The
/// answer `SECCOMP_RET_USER_NOTIF` waits for that.
/// <https://man7.org/linux/man-pages/man2/seccomp.2.html>
pub(crate) fn seccomp_with_listener(program: &[sock_filter], flags: libc::c_ulong) -> io::Result<OwnedFd> {
    let length = u16::try_from(program.len()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut().cast() };
    let flags = flags | libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    // SAFETY: both kinds of `sock_filter` are the kernel's; it reads `len` of them, writes none and keeps no
    // pointer.
    let listener = super::check(unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
    })?;
    // SAFETY: NEW_LISTENER made this descriptor; nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(listener as RawFd) })
}

/// Takes the next call that waits. Waits for one itself, where none does.
/// <https://man7.org/linux/man-pages/man2/seccomp_unotify.2.html>
pub(crate) fn receive_notification(listener: BorrowedFd<'_>) -> io::Result<Notification> {
    let mut notification = Notification::default();
    // SAFETY: the kernel writes one `struct seccomp_notif`, which `notification` is, and keeps no pointer to it.
    let result = unsafe { libc::ioctl(listener.as_raw_fd(), RECEIVE as _, &raw mut notification) };
    super::check(result.into())?;
    Ok(notification)
}

/// Lets a call be made as if nobody had been asked.
pub(crate) fn continue_notified(listener: BorrowedFd<'_>, id: u64) -> io::Result<()> {
    let mut response =
        Response { id, value: 0, error: 0, flags: libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32 };
    // SAFETY: the kernel reads one `struct seccomp_notif_resp`, which `response` is, and keeps no pointer to it.
    let result = unsafe { libc::ioctl(listener.as_raw_fd(), SEND as _, &raw mut response) };
    super::check(result.into())?;
    Ok(())
}

/// Whether that call still waits, and its thread's number still is that thread's.
pub(crate) fn still_waits(listener: BorrowedFd<'_>, id: u64) -> bool {
    // SAFETY: the kernel reads eight bytes, which `id` is, and keeps no pointer to it.
    unsafe { libc::ioctl(listener.as_raw_fd(), ID_VALID as _, &raw const id) == 0 }
}

#[cfg(test)]
mod tests {
    use super::{Notification, Response, sock_filter};

    #[test]
    fn structures_are_as_large_as_the_kernel_s() {
        assert_eq!(size_of::<Notification>(), 80);
        assert_eq!(size_of::<Response>(), 24);
        assert_eq!(size_of::<sock_filter>(), size_of::<libc::sock_filter>());
    }
}
