//! The one `ioctl` that a private network needs.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _};

/// Sets `IFF_UP` on the interface `name` of the caller's network namespace.
/// <https://man7.org/linux/man-pages/man7/netdevice.7.html>
pub(crate) fn set_interface_up(socket: impl AsFd, name: &[u8; 3]) -> io::Result<()> {
    let mut ifr_name = [0; libc::IFNAMSIZ];
    for (to, from) in ifr_name.iter_mut().zip(name) {
        *to = *from as libc::c_char;
    }
    let request = libc::ifreq {
        ifr_name,
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_flags: libc::IFF_UP as libc::c_short },
    };
    // SAFETY: SIOCSIFFLAGS reads one `ifreq`, alive during the call.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    super::check(result.into())?;
    Ok(())
}
