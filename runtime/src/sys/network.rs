//! The one `ioctl` that a private network needs.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

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

/// The groups that the other end of a connection had when it was made, beside its own one.
/// <https://man7.org/linux/man-pages/man7/socket.7.html>
pub fn peer_groups(socket: BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    // As many as a process can have.
    let mut groups = vec![0_u32; 65536];
    let mut length = std::mem::size_of_val(&*groups) as libc::socklen_t;
    let (to, size) = (groups.as_mut_ptr().cast::<libc::c_void>(), &raw mut length);
    // SAFETY: `to` points at `length` bytes that are ours, of which the kernel writes whole numbers.
    super::check(libc::c_long::from(unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERGROUPS, to, size)
    }))?;
    groups.truncate(length as usize / std::mem::size_of::<u32>());
    Ok(groups)
}
