//! Layers in the sandbox's own memory: a tmpfs that no path leads to.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, chmodat, mkdirat};

use crate::attached::Attached;
use crate::mounts::{PRIVATE, bounds, new_filesystem};

/// Upper and work directories of overlays, side by side in one file system.
pub(crate) struct Memory(Attached);

impl Memory {
    /// Makes room for `size` bytes, within reach while the root is being put together.
    pub(crate) fn attach(root: BorrowedFd<'_>, size: u64) -> io::Result<Self> {
        let (size, inodes) = bounds(size);
        let options = [("size", &*size), ("nr_inodes", &*inodes), ("mode", "0700")];
        Ok(Self(Attached::new(root, new_filesystem("tmpfs", &options, PRIVATE)?)?))
    }

    /// Makes the directories of one overlay; their names in [`Memory::top`].
    pub(crate) fn layer(&self, name: &str, mode: u32) -> io::Result<(String, String)> {
        let (upper, work) = (format!("{name}.upper"), format!("{name}.work"));
        mkdirat(self.top(), &upper, Mode::RWXU)?;
        // Set apart from mkdir, whose mode the umask cuts down.
        chmodat(self.top(), &upper, Mode::from_raw_mode(mode), AtFlags::empty())?;
        mkdirat(self.top(), &work, Mode::RWXU)?;
        Ok((upper, work))
    }

    /// The top of the file system.
    pub(crate) fn top(&self) -> &OwnedFd {
        self.0.top()
    }

    /// Takes it out of every path; it lives on in its overlays and in what is returned.
    pub(crate) fn detach(self) -> io::Result<OwnedFd> {
        self.top().try_clone()
    }
}
