//! Descriptors that come along with bytes on a socket (`SCM_RIGHTS`): see unix(7).

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd, RawFd};

use nix::Result;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

/// So many descriptors come with a message at the most. Where there is no room for all of them those that found
/// some are lost, open.
pub(crate) const MOST: usize = 253;

/// Sends bytes, as many as are taken, and descriptors for the peer to own. A peer that is gone is an error, no signal.
pub(crate) fn send(
    to: impl AsFd,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
    flags: MsgFlags,
) -> Result<usize> {
    let raw: Vec<RawFd> = descriptors.iter().map(|fd| fd.as_raw_fd()).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    let control = if raw.is_empty() { &rights[..0] } else { &rights[..] };
    let flags = flags | MsgFlags::MSG_NOSIGNAL;
    sendmsg::<()>(to.as_fd().as_raw_fd(), &[IoSlice::new(bytes)], control, flags, None)
}

/// Receives bytes, and all the descriptors that came with them, closed on exec. No bytes are the peer's end.
pub(crate) fn receive(from: impl AsFd, buffer: &mut [u8], flags: MsgFlags) -> Result<(usize, Vec<OwnedFd>)> {
    let mut space = nix::cmsg_space!([RawFd; MOST]);
    let mut parts = [IoSliceMut::new(buffer)];
    let flags = flags | MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(from.as_fd().as_raw_fd(), &mut parts, Some(&mut space), flags)?;
    let mut descriptors = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(received) = control {
            descriptors.extend(received.into_iter().map(crate::sys::adopt_received));
        }
    }
    Ok((message.bytes, descriptors))
}
