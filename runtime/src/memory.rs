//! What is kept in the sandbox's own memory: one tmpfs, so that one bound holds for all of it.
//!
//! No path leads to its top; the command sees directories of it, each as a mount of its own.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, chmodat, mkdirat, openat};

use crate::attached::Attached;
use crate::detached::{PRIVATE, clone_mount, new_filesystem};
use crate::spec::Room;

/// Directories, and upper and work directories of overlays, side by side in one file system.
pub(crate) struct Memory {
    attached: Attached,
    /// How many directories there are, for their names.
    directories: usize,
}

impl Memory {
    /// Makes room, within reach while the root is being put together.
    pub(crate) fn attach(root: BorrowedFd<'_>, room: Room) -> io::Result<Self> {
        let (bytes, inodes) = (room.bytes.to_string(), room.inodes.to_string());
        let options = [("size", &*bytes), ("nr_inodes", &*inodes), ("mode", "0700")];
        let attached = Attached::new(root, new_filesystem("tmpfs", &options, PRIVATE)?)?;
        Ok(Self { attached, directories: 0 })
    }

    /// Makes a directory and shows it as a mount, unattached.
    pub(crate) fn directory(&mut self, mode: u32) -> io::Result<OwnedFd> {
        let name = format!("directory-{}", self.directories);
        self.directories += 1;
        mkdirat(self.top(), &name, Mode::RWXU)?;
        chmodat(self.top(), &name, Mode::from_raw_mode(mode), AtFlags::empty())?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        clone_mount(&openat(self.top(), &name, flags, Mode::empty())?)
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
        self.attached.top()
    }

    /// Takes it out of the root; it lives on in its overlays and in what is returned.
    pub(crate) fn leave(self, host: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        self.attached.leave(host)
    }
}
