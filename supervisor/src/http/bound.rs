//! A socket of the file system: made where nothing is, or where a server that is no more left one.

use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use rustix::fs::{
    AtFlags, FileType, FlockOperation, Gid, Mode, OFlags, chmod, chownat, fchmod, flock, fstat, lstat, open,
    unlink,
};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};

use crate::error::Error;
use crate::text::printable;

/// A socket that is removed with this, unless somebody has put something else there.
#[derive(Debug)]
pub(crate) struct Bound {
    path: PathBuf,
    /// Device and inode.
    is: (u64, u64),
}

/// So many may wait until they are let in.
const BACKLOG: i32 = 4096;
/// The longest path that the kernel takes, and its end.
const LONGEST: usize = 107;

/// How long another server may take to begin; anybody who can read the directory can hold its lock for ever.
const TURN: Duration = Duration::from_secs(2);
/// Between two looks whether it has.
const PAUSE: Duration = Duration::from_millis(10);

/// Listens at a path, for its owner alone or for a group as well.
pub(super) fn bind(path: &Path, group: Option<u32>) -> Result<(Bound, UnixListener), Error> {
    let failed = |error: std::io::Error| Error::System("listening on the socket", error);
    let length = path.as_os_str().as_bytes().len();
    if length > LONGEST {
        let why =
            format!("`{}` has {length} bytes; the path of a socket has {LONGEST} at most", printable(path));
        return Err(Error::Request(why));
    }
    // Of two servers that begin at once one looks first.
    let _turn = turn(path)?;
    clear(path)?;
    let listener = listen(path).map_err(failed)?;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let made = open(path, flags, Mode::empty()).map_err(|errno| failed(errno.into()))?;
    let found = fstat(&made).map_err(|errno| failed(errno.into()))?;
    let bound = Bound { path: path.to_owned(), is: (found.st_dev, found.st_ino) };
    if let Some(gid) = group {
        open_to(&made, gid).map_err(|error| Error::System("giving the socket to its group", error))?;
    }
    Ok((bound, listener))
}

/// A socket that is its owner's alone from the first moment on.
fn listen(path: &Path) -> std::io::Result<UnixListener> {
    let (flags, kind) = (SocketFlags::CLOEXEC, SocketType::STREAM);
    let socket = socket_with(AddressFamily::UNIX, kind, flags, None)?;
    // Its file is made with no more than this.
    fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    net::listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

/// Gives our socket to a group; where somebody has put something else there meanwhile, nothing.
fn open_to(made: &OwnedFd, gid: u32) -> std::io::Result<()> {
    let link = format!("/proc/self/fd/{}", made.as_raw_fd());
    // Who listens there. That nobody talks on it is heard by our own server, which knows such clients.
    let listening = getsockopt(&knock(Path::new(&link))?, PeerCredentials)?.pid();
    if u32::try_from(listening).ok() != Some(std::process::id()) {
        return Err(std::io::Error::other("somebody else has put a socket of theirs there"));
    }
    chownat(made, "", None, Some(Gid::from_raw(gid)), AtFlags::EMPTY_PATH)?;
    Ok(chmod(&*link, Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP)?)
}

/// Holds the directory for as long as it takes.
fn turn(path: &Path) -> Result<OwnedFd, Error> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |errno: Errno| Error::Input(parent.to_owned(), errno.into());
    let directory = open(parent, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(failed)?;
    let begun = Instant::now();
    loop {
        match flock(directory.as_fd(), FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(directory),
            Err(Errno::WOULDBLOCK) if begun.elapsed() < TURN => std::thread::sleep(PAUSE),
            Err(Errno::WOULDBLOCK) => {
                let why = format!("somebody else holds the lock of `{}`", printable(parent));
                return Err(Error::Request(why));
            }
            Err(errno) => return Err(failed(errno)),
        }
    }
}

/// Removes what a server left that is no more, and nothing else.
fn clear(path: &Path) -> Result<(), Error> {
    let found = match lstat(path) {
        Err(Errno::NOENT) => return Ok(()),
        found => found.map_err(|errno| Error::Input(path.to_owned(), errno.into()))?,
    };
    if FileType::from_raw_mode(found.st_mode) != FileType::Socket {
        return Err(Error::Request(format!("`{}` is there, and no socket", printable(path))));
    }
    match knock(path) {
        Err(Errno::CONNREFUSED) => unlink(path)
            .map_err(|errno| Error::System("removing the socket of a server that is no more", errno.into())),
        // With more who wait than it lets wait.
        Ok(_) | Err(Errno::AGAIN) => {
            Err(Error::Request(format!("a server listens at `{}` already", printable(path))))
        }
        Err(errno) => Err(Error::Input(path.to_owned(), errno.into())),
    }
}

/// Connects to whoever listens there, who may be anybody and is not waited for.
fn knock(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

impl Drop for Bound {
    fn drop(&mut self) {
        if lstat(&self.path).is_ok_and(|found| (found.st_dev, found.st_ino) == self.is) {
            let _ = unlink(&self.path);
        }
    }
}
