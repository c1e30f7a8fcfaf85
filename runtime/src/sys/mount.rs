//! `mount_setattr(2)`.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

/// What to set on a mount, and on all mounts below it.
#[derive(Default, Clone, Copy)]
pub(crate) struct MountAttributes<'a> {
    /// Attributes to set, `MOUNT_ATTR_*`.
    pub(crate) set: u64,
    /// The user namespace whose map translates the owners of files, for `MOUNT_ATTR_IDMAP`.
    pub(crate) id_map: Option<BorrowedFd<'a>>,
}

/// Changes the attributes of the mount that `mount` refers to; all mounts below it too.
/// <https://man7.org/linux/man-pages/man2/mount_setattr.2.html>
pub(crate) fn mount_setattr(mount: impl AsFd, attributes: MountAttributes<'_>) -> io::Result<()> {
    let id_map = attributes.id_map.map(|fd| fd.as_raw_fd() as u64);
    let request = libc::mount_attr {
        attr_set: attributes.set | id_map.map_or(0, |_| libc::MOUNT_ATTR_IDMAP),
        attr_clr: 0,
        propagation: 0,
        userns_fd: id_map.unwrap_or(0),
    };
    set_attributes(mount.as_fd(), libc::AT_EMPTY_PATH | libc::AT_RECURSIVE, &request)
}

/// Makes the one mount that `mount` refers to read-only, not those below it.
pub(crate) fn protect_mount(mount: impl AsFd) -> io::Result<()> {
    let request =
        libc::mount_attr { attr_set: libc::MOUNT_ATTR_RDONLY, attr_clr: 0, propagation: 0, userns_fd: 0 };
    set_attributes(mount.as_fd(), libc::AT_EMPTY_PATH, &request)
}

fn set_attributes(mount: BorrowedFd<'_>, flags: libc::c_int, request: &libc::mount_attr) -> io::Result<()> {
    // SAFETY: the path is an empty C string and `request` a whole `mount_attr`, alive during the call.
    super::check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            std::ptr::from_ref(request),
            size_of_val(request),
        )
    })?;
    Ok(())
}
