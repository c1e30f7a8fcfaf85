//! A mount that is attached for a while.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, unlinkat};

use crate::detached::attach;

/// A mount in the root under construction, until that is entered: kernels before 6.15 take an overlay's
/// layers only from mounts of the caller's namespace.
#[must_use = "what stays in the root is seen by the command"]
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

    /// Moves it out of the root and upon `host`, a directory of the root that is about to be unmounted
    /// as a whole: an unmount for each would wait for the kernel each time. The overlay holds private
    /// clones of its layers.
    pub(crate) fn leave(self, host: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        attach(&self.mount, host)?;
        unlinkat(&self.root, &self.name, AtFlags::REMOVEDIR)?;
        Ok(self.mount)
    }
}
