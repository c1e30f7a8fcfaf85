//! Short messages, each with a descriptor or none, on a socket that keeps them apart.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, socketpair};

use crate::rights;

/// Makes both ends; nothing that is done with them waits.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    Ok(socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?)
}

/// Sends a message whole, or not at all: `EAGAIN` while the peer has many unread.
pub fn send(to: impl AsFd, message: &[u8], descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
    rights::send(to, message, descriptor.as_slice(), MsgFlags::MSG_DONTWAIT)?;
    Ok(())
}

/// Receives a message, cut where it is longer than `buffer`, and the first descriptor that came with it. An empty
/// one is the peer's end; `EAGAIN` where there is none yet, `ENOBUFS` where it has come and this process may have no
/// descriptor more.
pub fn receive(from: impl AsFd, buffer: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    let (length, descriptors) = rights::receive(from, buffer, MsgFlags::MSG_DONTWAIT)?;
    Ok((length, descriptors.into_iter().next()))
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
        for count in [2, 3, rights::MOST] {
            let (reader, writer) = nix::unistd::pipe().expect("pipe");
            rights::send(&one, b"c", &vec![writer.as_fd(); count], MsgFlags::empty()).expect("sent");
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
