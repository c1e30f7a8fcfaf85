//! A socket of the file system: made where nothing is, or where a server that is no more left one.

use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{
    AtFlags, FileType, FlockOperation, Gid, Mode, OFlags, chmod, chownat, flock, open, stat, unlink,
};
use rustix::io::Errno;

use crate::error::Error;
use crate::text::printable;

/// A socket that is removed with this, unless somebody has put something else there.
#[derive(Debug)]
pub(crate) struct Bound {
    path: PathBuf,
    /// Device and inode.
    is: (u64, u64),
}

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
    let listener = UnixListener::bind(path).map_err(failed)?;
    let found = stat(path).map_err(|errno| failed(errno.into()))?;
    let bound = Bound { path: path.to_owned(), is: (found.st_dev, found.st_ino) };
    let mode = match group {
        None => Mode::RUSR | Mode::WUSR,
        Some(gid) => {
            let gid = Some(Gid::from_raw(gid));
            chownat(rustix::fs::CWD, path, None, gid, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|errno| Error::System("giving the socket to its group", errno.into()))?;
            Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP
        }
    };
    chmod(path, mode).map_err(|errno| failed(errno.into()))?;
    Ok((bound, listener))
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
    let found = match rustix::fs::lstat(path) {
        Err(Errno::NOENT) => return Ok(()),
        found => found.map_err(|errno| Error::Input(path.to_owned(), errno.into()))?,
    };
    if FileType::from_raw_mode(found.st_mode) != FileType::Socket {
        return Err(Error::Request(format!("`{}` is there, and no socket", printable(path))));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => unlink(path)
            .map_err(|errno| Error::System("removing the socket of a server that is no more", errno.into())),
        Err(error) => Err(Error::Input(path.to_owned(), error)),
        Ok(_) => Err(Error::Request(format!("a server listens at `{}` already", printable(path)))),
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if stat(&self.path).is_ok_and(|found| (found.st_dev, found.st_ino) == self.is) {
            let _ = unlink(&self.path);
        }
    }
}
