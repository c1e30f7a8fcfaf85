//! The journal: each user's server has a way of its own to it. Whoever has ours could close it, and nobody would hear
//! of us or of another user's server any more.
//!
//! Whose lines they are the journal asks the kernel.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::fstat;
use rustix::net::{self, AddressFamily, Shutdown, SocketAddrUnix, SocketFlags, SocketType, socket_with};

use crate::live::nothing;
use crate::server::{log, logging};

/// Where a server's log goes.
pub(super) struct Journal {
    pub(super) output: OwnedFd,
    /// By that it knows the journal: device and inode.
    pub(super) name: Option<String>,
}

/// Where it listens.
const STREAMS: &str = "/run/systemd/journal/stdout";
/// Who speaks, of which unit (the one that it is found in), how loud unless a line says so itself (`<6>`), whether lines
/// do, and three places where it is to be forwarded to.
const HEAD: &[u8] = b"clearing\n\n6\n1\n0\n0\n0\n";

impl Journal {
    /// A new way there, if our own log goes there as well. None where that goes elsewhere.
    pub(super) fn of_ours() -> io::Result<Option<Self>> {
        if !logging::is_journal() {
            return Ok(None);
        }
        Self::at(Path::new(STREAMS))
            .or_else(|error| {
                log(&format!("a server has no log: the journal says {error}"));
                Self::nowhere()
            })
            .map(Some)
    }

    fn at(path: &Path) -> io::Result<Self> {
        // One that lets nobody in is not waited for.
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let output = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        net::connect(&output, &SocketAddrUnix::new(path)?)?;
        net::shutdown(&output, Shutdown::Read)?;
        if rustix::io::write(&output, HEAD)? != HEAD.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        rustix::io::ioctl_fionbio(&output, false)?;
        let found = fstat(&output)?;
        Ok(Self { output, name: Some(format!("{}:{}", found.st_dev, found.st_ino)) })
    }

    fn nowhere() -> io::Result<Self> {
        let output = nothing().map_err(io::Error::other)?;
        Ok(Self { output, name: None })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn each_way_to_the_journal_is_one_of_its_own_with_a_head_and_a_name() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("stdout");
        let journal = UnixListener::bind(&path).expect("bound");
        let [one, other] = [(); 2].map(|()| Journal::at(&path).expect("connected"));
        assert!(one.name.is_some() && one.name != other.name);
        net::shutdown(&one.output, Shutdown::Both).expect("closed");
        std::fs::File::from(other.output).write_all(b"<6>heard\n").expect("written");
        let heard = [(); 2].map(|()| {
            let mut heard = String::new();
            journal.accept().expect("a client").0.read_to_string(&mut heard).expect("text");
            heard
        });
        assert_eq!(heard, ["clearing\n\n6\n1\n0\n0\n0\n", "clearing\n\n6\n1\n0\n0\n0\n<6>heard\n"]);
        drop(journal);
        assert!(Journal::at(&path).is_err());
    }
}
