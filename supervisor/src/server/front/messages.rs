//! What the front and a user's server say to each other.
//!
//! ```text
//!   front                          server of a user
//!     │ ◀── load ──────────────────── │ it has begun; again whenever that changes, and now and then
//!     │ ── connection + descriptor ─▶ │
//!     │ ── reload ──────────────────▶ │
//!     └ hang-up: it ends
//! ```
//! A user may have their server say what they like: all that is made of it is a number in a status line, and when
//! that server is ended.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use clearing_runtime::parcel;
use rustix::io::Errno;
use rustix::net::RecvFlags;

/// To a user's server.
#[derive(Debug)]
pub(in crate::server) enum Handed {
    /// Somebody has connected, and is that user.
    Connection(OwnedFd),
    /// The same, but there was no descriptor left for it: the kernel has hung up on them.
    Lost,
    /// The settings are to be read again.
    Reload,
    /// There is nothing more to do.
    End,
}

/// From a user's server: what it has to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::server) struct Load {
    /// Connections that it has been handed since it began.
    pub(in crate::server) taken: u32,
    /// Those of them that are open.
    pub(in crate::server) open: u32,
    /// Sessions that it holds.
    pub(in crate::server) sessions: u32,
    /// Commands that run.
    pub(in crate::server) execs: u32,
}

const CONNECTION: &[u8] = b"c";
const RELOAD: &[u8] = b"r";
const LOAD: u8 = b'l';
const LENGTH: usize = 17;

/// Hands a connection over; `EAGAIN` while the server is behind.
pub(super) fn hand_over(to: &OwnedFd, connection: impl AsFd) -> io::Result<()> {
    parcel::send(to, CONNECTION, Some(connection.as_fd()))
}

/// Asks for the settings to be read again.
pub(super) fn ask_to_reload(to: &OwnedFd) -> io::Result<()> {
    parcel::send(to, RELOAD, None)
}

/// The next load that a server has told, if there is one; none after its end, which is an error.
pub(super) fn hear(from: &OwnedFd) -> io::Result<Option<Load>> {
    let mut buffer = [0; LENGTH + 1];
    // Without room for descriptors none of those that a user may send along is ever ours.
    match rustix::net::recv(from, &mut buffer, RecvFlags::DONTWAIT) {
        Ok((0, _)) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok((length, _)) => Load::of(&buffer[..length]).map(Some).ok_or(io::ErrorKind::InvalidData.into()),
        Err(Errno::AGAIN) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// What the front has for us; `EAGAIN` where that is nothing yet.
pub(in crate::server) fn receive(from: &OwnedFd) -> io::Result<Handed> {
    let mut buffer = [0; 2];
    let received = match parcel::receive(from, &mut buffer) {
        Err(error) if error.raw_os_error() == Some(Errno::NOBUFS.raw_os_error()) => return Ok(Handed::Lost),
        received => received?,
    };
    match received {
        (0, _) => Ok(Handed::End),
        (1, Some(connection)) if buffer.starts_with(CONNECTION) => Ok(Handed::Connection(connection)),
        (1, None) if buffer.starts_with(RELOAD) => Ok(Handed::Reload),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Tells the front what there is to do.
pub(in crate::server) fn tell(to: &OwnedFd, load: Load) -> io::Result<()> {
    parcel::send(to, &load.bytes(), None)
}

impl Load {
    fn bytes(self) -> [u8; LENGTH] {
        let mut bytes = [LOAD; LENGTH];
        let numbers = [self.taken, self.open, self.sessions, self.execs];
        for (place, number) in bytes[1..].chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        let bytes = <[u8; LENGTH]>::try_from(bytes).ok().filter(|bytes| bytes[0] == LOAD)?;
        let mut numbers =
            bytes[1..].chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        let mut next = || numbers.next();
        Some(Self { taken: next()?, open: next()?, sessions: next()?, execs: next()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard_on_both_sides() {
        let (front, server) = parcel::pair().expect("socketpair");
        let load = Load { taken: 1, open: 2, sessions: 3, execs: u32::MAX };
        assert_eq!(hear(&front).expect("nothing"), None);
        tell(&server, load).expect("told");
        assert_eq!(hear(&front).expect("heard"), Some(load));
        hand_over(&front, &server).expect("handed");
        ask_to_reload(&front).expect("asked");
        assert!(matches!(receive(&server), Ok(Handed::Connection(_))));
        assert!(matches!(receive(&server), Ok(Handed::Reload)));
        drop(front);
        assert!(matches!(receive(&server), Ok(Handed::End)));
    }

    #[test]
    fn what_comes_along_with_a_load_is_closed() {
        let (front, server) = parcel::pair().expect("socketpair");
        let (mine, theirs) = std::io::pipe().expect("pipe");
        parcel::send(&server, &Load::default().bytes(), Some(theirs.as_fd())).expect("sent");
        drop(theirs);
        assert_eq!(hear(&front).expect("heard"), Some(Load::default()));
        assert_eq!(std::io::read_to_string(mine).expect("closed everywhere"), "");
    }

    #[test]
    fn what_no_server_says_is_an_error() {
        let (front, server) = parcel::pair().expect("socketpair");
        for said in [&b"x"[..], &[LOAD; LENGTH - 1], &[LOAD; LENGTH + 1], &[LOAD; 4000], &[0; LENGTH]] {
            parcel::send(&server, said, None).expect("sent");
            assert!(hear(&front).is_err(), "{}", said.len());
        }
    }
}
