//! What sockets and interfaces are asked by numbers of their own.

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

/// Bytes that were written to a connection, and that its other end has not taken; of a socket of the file system with
/// what the kernel needs for them, and by pieces of up to 36 KiB.
/// <https://man7.org/linux/man-pages/man7/unix.7.html>
pub fn untaken(socket: &impl AsFd) -> io::Result<u64> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: SIOCOUTQ, which is TIOCOUTQ, writes one `int`, alive during the call.
    super::check(libc::c_long::from(unsafe {
        libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes)
    }))?;
    Ok(u64::try_from(bytes).unwrap_or_default())
}
