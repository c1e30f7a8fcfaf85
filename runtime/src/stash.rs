//! A place that no process reaches but init: beneath the root, as what a running system's root covers.
//!
//! A path begins at the process's root and `..` ends there, and lists of mounts show nothing that lies
//! outside of it. Only who holds a descriptor gets in, and init's are closed before a command runs.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, mkdirat, openat};
use rustix::mount::{UnmountFlags, unmount};
use rustix::process::{chdir, chroot, fchdir, pivot_root};

use crate::detached::{PRIVATE, attach, new_filesystem};

/// A small file system of directories to mount upon.
pub(crate) struct Stash {
    top: OwnedFd,
    places: u64,
}

impl Stash {
    /// Attaches an empty one over `host`, in this mount namespace alone.
    pub(crate) fn attach(host: BorrowedFd<'_>) -> io::Result<Self> {
        let top = new_filesystem("tmpfs", &[("mode", "0700"), ("size", "1m")], PRIVATE)?;
        attach(&top, host)?;
        Ok(Self { top, places: 0 })
    }

    /// Moves a mount, or attaches one that is not yet, to a place of its own, whose name is returned.
    pub(crate) fn take(&mut self, mount: &OwnedFd) -> io::Result<String> {
        let name = self.places.to_string();
        self.places += 1;
        mkdirat(&self.top, &name, Mode::RWXU)?;
        attach(mount, openat(&self.top, &name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?.as_fd())?;
        Ok(name)
    }

    /// Unmounts what is at a place, and removes the place. The kernel waits for other processors meanwhile.
    pub(crate) fn clear(&self, name: &str) -> io::Result<()> {
        fchdir(&self.top)?;
        unmount(name, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW)?;
        Ok(rustix::fs::unlinkat(&self.top, name, rustix::fs::AtFlags::REMOVEDIR)?)
    }

    /// Makes the tree `root`, which it has taken, the root of the calling process and of all that it will
    /// start, and unmounts what it was attached over.
    pub(crate) fn enter(&self, root: &OwnedFd) -> io::Result<()> {
        fchdir(&self.top)?;
        pivot_root(".", ".")?;
        unmount(".", UnmountFlags::DETACH)?;
        // As every system does with the root that it was started from: cover it, and begin above it.
        attach(root, self.top.as_fd())?;
        fchdir(root)?;
        chroot(".")?;
        Ok(chdir("/")?)
    }
}
