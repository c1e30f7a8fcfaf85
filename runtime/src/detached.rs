//! Mounts that are nowhere yet: cloned from what there is or made anew, and attached by descriptor when they are ready.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::CWD;
use rustix::mount::{
    self as kernel, FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags,
};

use crate::spec::Access;
use crate::sys::{MountAttributes, mount_setattr};

/// No program gains rights, no device works.
pub(crate) const PRIVATE: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

/// Clones a tree of the host, unattached. A plain clone of a tree with mounts below it is refused in
/// a new user namespace, so the clone is recursive; what is writable must hold no such mounts, or the
/// command could write to file systems that nobody meant. A link that is to be read leads to what is shown, and one
/// that is to be written to nowhere.
pub(crate) fn clone_tree(at: BorrowedFd<'_>, source: &Path, access: Access) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let of_access = match access {
        Access::ReadOnly => OpenTreeFlags::AT_RECURSIVE,
        Access::ReadWrite => OpenTreeFlags::AT_SYMLINK_NOFOLLOW,
    };
    Ok(kernel::open_tree(at, source, flags | of_access)?)
}

/// Attaches an unattached mount on the open path `target`.
pub(crate) fn attach(mount: &OwnedFd, target: BorrowedFd<'_>) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(kernel::move_mount(mount, "", target, "", flags)?)
}

/// Mounts a new file system with `options`, unattached.
pub(crate) fn new_filesystem(
    kind: &str,
    options: &[(&str, &str)],
    attributes: MountAttrFlags,
) -> io::Result<OwnedFd> {
    let context = kernel::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        kernel::fsconfig_set_string(&context, *key, *value)?;
    }
    kernel::fsconfig_create(&context)?;
    Ok(kernel::fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}

pub(crate) fn restrict_bind(tree: &OwnedFd, access: Access) -> io::Result<()> {
    let read_only = match access {
        Access::ReadOnly => libc::MOUNT_ATTR_RDONLY,
        Access::ReadWrite => 0,
    };
    let set = read_only | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
    mount_setattr(tree, MountAttributes { set, id_map: None })
}

/// Clones what an open path leads to, with all mounts below it.
pub(crate) fn clone_mount(path: &OwnedFd) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH
        | OpenTreeFlags::AT_RECURSIVE;
    Ok(kernel::open_tree(path, "", flags)?)
}

pub(crate) fn new_empty_directory() -> io::Result<OwnedFd> {
    let attributes = PRIVATE | MountAttrFlags::MOUNT_ATTR_RDONLY;
    new_filesystem("tmpfs", &[("size", "4k"), ("mode", "0")], attributes)
}

/// The command does not even see init, whose arguments name the caller's files. That processes are `invisible` would
/// not do: then whoever has group 0 among others sees them all.
pub(crate) fn new_proc() -> io::Result<OwnedFd> {
    new_filesystem("proc", &[("hidepid", "ptraceable")], PRIVATE | MountAttrFlags::MOUNT_ATTR_NOEXEC)
}

/// Hides no process from whoever has it. Of the other one the kernel shows those alone that the reader might trace:
/// not even init might one that executed what the command may not read and that belongs to nobody of its user
/// namespace (`would_dump` in `fs/exec.c`), and it has to know of all.
pub(crate) fn new_open_proc() -> io::Result<OwnedFd> {
    new_filesystem("proc", &[], PRIVATE | MountAttrFlags::MOUNT_ATTR_NOEXEC)
}

/// The host has so many terminals for all that is there ([`pty(7)`](https://man7.org/linux/man-pages/man7/pty.7.html):
/// 4096, of which 1024 are for its own), and no sandbox may take them all.
pub(crate) fn new_devpts() -> io::Result<OwnedFd> {
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let options = [("ptmxmode", "0666"), ("mode", "0620"), ("max", TERMINALS)];
    new_filesystem("devpts", &options, attributes)
}

/// Of one sandbox.
const TERMINALS: &str = "256";

pub(crate) fn device(path: &Path) -> io::Result<OwnedFd> {
    let node = clone_tree(CWD, path, Access::ReadOnly)?;
    let set = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC;
    mount_setattr(&node, MountAttributes { set, id_map: None })?;
    Ok(node)
}
