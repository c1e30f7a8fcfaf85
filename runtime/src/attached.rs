//! A mount that is attached for a while.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, unlinkat};
use rustix::mount::{UnmountFlags, unmount};

use crate::mounts::attach;

/// A mount in the root under construction, until it is dropped: kernels before 6.15 take an overlay's
/// layers only from mounts of the caller's namespace.
pub(crate) struct Attached {
    root: OwnedFd,
    name: String,
    mount: OwnedFd,
}

impl Attached {
    /// Attaches `mount` at a name of its own.
    pub(crate) fn new(root: BorrowedFd<'_>, mount: OwnedFd) -> io::Result<Self> {
        let name = format!(".layer-{}", mount.as_raw_fd());
        mkdirat(root, &name, Mode::RWXU)?;
        let target = openat(root, &name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        attach(&mount, target.as_fd())?;
        Ok(Self { root: root.try_clone_to_owned()?, name, mount })
    }

    /// Its top directory.
    pub(crate) fn top(&self) -> &OwnedFd {
        &self.mount
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // The overlay holds private clones of its layers. Should this fail the mount stays in the
        // root, where it shows no more than the overlay does.
        let _ = unmount(format!("/proc/self/fd/{}", self.mount.as_raw_fd()), UnmountFlags::DETACH);
        let _ = unlinkat(&self.root, &self.name, AtFlags::REMOVEDIR);
    }
}
