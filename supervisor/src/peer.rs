//! Who is at the other end of a socket of the file system, by the kernel's word: see unix(7).

use std::os::fd::AsFd;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

/// Whether it is the same user, or root.
pub(crate) fn is_of_same_user(socket: &impl AsFd) -> bool {
    let own = rustix::process::geteuid().as_raw();
    getsockopt(socket, PeerCredentials).is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}

/// Whether it has a group, be it as its own or as one more.
pub(crate) fn is_in_group(socket: &impl AsFd, group: u32) -> bool {
    getsockopt(socket, PeerCredentials).is_ok_and(|peer| peer.gid() == group)
        || clearing_runtime::peer_groups(socket.as_fd()).is_ok_and(|groups| groups.contains(&group))
}
