//! Short messages, each with a descriptor or none, on a socket that keeps them apart.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd, RawFd};

use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, sendmsg,
    socketpair,
};

/// So many descriptors come with a message at the most. Where there is no room for all of them those that found
/// some are lost, open.
pub(crate) const MOST: usize = 253;

/// Makes both ends; nothing that is done with them waits.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    Ok(socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?)
}

/// Sends a message whole, or not at all: `EAGAIN` while the peer has many unread.
pub fn send(to: impl AsFd, message: &[u8], descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let raw: Vec<RawFd> = descriptor.iter().map(|fd| fd.as_raw_fd()).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    let control = if raw.is_empty() { &rights[..0] } else { &rights[..] };
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    sendmsg::<()>(to.as_fd().as_raw_fd(), &[IoSlice::new(message)], control, flags, None)?;
    Ok(())
}

/// Receives a message, cut where it is longer than `buffer`, and the first descriptor that came with it. An empty
/// one is the peer's end; `EAGAIN` where there is none yet.
pub fn receive(from: impl AsFd, buffer: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut space = nix::cmsg_space!([RawFd; MOST]);
    let mut parts = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<()>(from.as_fd().as_raw_fd(), &mut parts, Some(&mut space), flags)?;
    let mut descriptors: Vec<OwnedFd> = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(received) = control {
            descriptors.extend(received.into_iter().map(crate::sys::adopt_received));
        }
    }
    Ok((message.bytes, descriptors.into_iter().next()))
}

#[cfg(test)]
mod tests {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;

    #[test]
    fn messages_stay_apart_and_bring_their_descriptors() {
        let (one, other) = pair().expect("socketpair");
        let null = std::fs::File::open("/dev/null").expect("null");
        send(&one, b"c", Some(null.as_fd())).expect("sent");
        send(&one, b"r", None).expect("sent");
        let mut buffer = [0; 8];
        let (length, descriptor) = receive(&other, &mut buffer).expect("received");
        assert_eq!((&buffer[..length], descriptor.is_some()), (&b"c"[..], true));
        let (length, descriptor) = receive(&other, &mut buffer).expect("received");
        assert_eq!((&buffer[..length], descriptor.is_some()), (&b"r"[..], false));
        let nothing = receive(&other, &mut buffer).expect_err("nothing yet");
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        drop(one);
        assert_eq!(receive(&other, &mut buffer).expect("the end").0, 0);
    }

    #[test]
    fn of_several_descriptors_none_stays_open_but_the_first() {
        let (one, other) = pair().expect("socketpair");
        for count in [2, 3, MOST] {
            let (reader, writer) = nix::unistd::pipe().expect("pipe");
            let raw = vec![writer.as_raw_fd(); count];
            let part = [IoSlice::new(b"c")];
            let rights = [ControlMessage::ScmRights(&raw)];
            sendmsg::<()>(one.as_raw_fd(), &part, &rights, MsgFlags::empty(), None).expect("sent");
            drop(writer);
            let (length, descriptor) = receive(&other, &mut [0; 8]).expect("received");
            assert_eq!((length, descriptor.is_some()), (1, true), "{count}");
            drop(descriptor);
            let mut polled = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
            poll(&mut polled, PollTimeout::ZERO).expect("polled");
            assert_eq!(polled[0].revents(), Some(PollFlags::POLLHUP), "{count}");
        }
    }

    #[test]
    fn who_reads_nothing_holds_nobody_up() {
        let (one, _other) = pair().expect("socketpair");
        let full = (0..100_000).find_map(|_| send(&one, b"r", None).err()).expect("full at some time");
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
    }
}
