//! Carries out the mount steps of a [`SandboxSpec`](crate::spec::SandboxSpec) and enters the result.
//!
//! Everything goes from descriptor to descriptor: sources are cloned with `open_tree`, targets opened
//! beneath the new root, and nothing that a command wrote is in view while it happens.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType};
use rustix::io::Errno;
use rustix::mount::{
    self as kernel, FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags,
};

use crate::error::{AtStage as _, Failure, Stage};
use crate::mapped::MappedMounts;
use crate::overlay::{Layers, Overlay};
use crate::spec::{Access, Mount, Owners};
use crate::sys::{MountAttributes, mount_setattr, protect_mount};
use crate::targets::{self, TargetKind};

const PRIVATE: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

/// Name of a mask until it is in place.
const MASK: &str = ".mask";

/// The root under construction.
pub(crate) struct Root {
    /// The top of its tmpfs, attached over the spec's base directory.
    pub(crate) top: OwnedFd,
    mapped: MappedMounts,
}

impl Root {
    /// Attaches an empty root over `base`, which only this mount namespace sees.
    pub(crate) fn attach(base: &OwnedFd, mapped: MappedMounts) -> Result<Self, Failure> {
        let top = new_filesystem("tmpfs", &[("mode", "0755"), ("size", "1m")], PRIVATE)
            .at(Stage::Mounts, || "fsmount(tmpfs) for the root".into())?;
        attach(&top, base.as_fd()).at(Stage::Mounts, || "move_mount(tmpfs) over the base".into())?;
        Ok(Self { top, mapped })
    }

    /// Carries out every step in order.
    pub(crate) fn build(&mut self, steps: &[Mount]) -> Result<(), Failure> {
        steps.iter().try_for_each(|step| self.carry_out(step).at(Stage::Mounts, || describe(step)))
    }

    /// Makes the root read-only and its own the only file system tree in sight.
    pub(crate) fn enter(self) -> Result<(), Failure> {
        // The mounts upon it keep their own attributes.
        protect_mount(&self.top).at(Stage::Mounts, || "mount_setattr(\"/\", read-only)".into())?;
        rustix::process::fchdir(&self.top).at(Stage::Mounts, || "fchdir(new root)".into())?;
        rustix::process::pivot_root(".", ".").at(Stage::Mounts, || "pivot_root(\".\", \".\")".into())?;
        kernel::unmount(".", kernel::UnmountFlags::DETACH)
            .at(Stage::Mounts, || "umount2(old root, MNT_DETACH)".into())?;
        rustix::process::chdir("/").at(Stage::Mounts, || "chdir(\"/\")".into())
    }

    fn carry_out(&mut self, step: &Mount) -> io::Result<()> {
        let top = self.top.as_fd();
        match step {
            Mount::Directory { target, mode } => targets::make_directory(top, target, *mode),
            Mount::File { target, content, mode } => write_file(top, target, content, *mode),
            Mount::Symlink { target, to } => targets::make_symlink(top, target, to),
            Mount::Tmpfs { target, size, mode } => mount_tmpfs(top, target, *size, *mode),
            Mount::Bind { source, target, access, owners } => {
                let tree = self.source(source, *owners, *access)?;
                attach_bind(self.top.as_fd(), &tree, target, *access)
            }
            Mount::Overlay { lower, upper, work, target, owners } => {
                let overlay = Overlay { lower, upper, work, owners: *owners };
                let mount = Layers::open(top, &overlay, &mut self.mapped)?.mount(PRIVATE)?;
                attach(&mount, targets::ensure(top, target, TargetKind::Directory)?.as_fd())
            }
            Mount::Proc { target } => mount_proc(top, target),
            Mount::Devpts { target } => mount_devpts(top, target),
            Mount::Device { path } => bind_device(top, path),
            Mount::Mask { target } => mask(top, target),
            Mount::Protect { target } => protect(top, target),
        }
    }

    fn source(&mut self, source: &Path, owners: Owners, access: Access) -> io::Result<OwnedFd> {
        match owners {
            Owners::Mapped { .. } => self.mapped.take(source),
            Owners::Host => clone_tree(CWD, source, access),
        }
    }
}

/// Clones a tree of the host, unattached. A plain clone of a tree with mounts below it is refused in
/// a new user namespace, so the clone is recursive; what is writable must hold no such mounts, or the
/// command could write to file systems that nobody meant.
pub(crate) fn clone_tree(at: BorrowedFd<'_>, source: &Path, access: Access) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_SYMLINK_NOFOLLOW;
    let depth = match access {
        Access::ReadOnly => OpenTreeFlags::AT_RECURSIVE,
        Access::ReadWrite => OpenTreeFlags::empty(),
    };
    Ok(kernel::open_tree(at, source, flags | depth)?)
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

fn attach_bind(top: BorrowedFd<'_>, tree: &OwnedFd, target: &Path, access: Access) -> io::Result<()> {
    let read_only = match access {
        Access::ReadOnly => libc::MOUNT_ATTR_RDONLY,
        Access::ReadWrite => 0,
    };
    let set = read_only | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
    mount_setattr(tree, MountAttributes { set, id_map: None })?;
    attach(tree, targets::ensure(top, target, kind_of(tree)?)?.as_fd())
}

fn kind_of(tree: &OwnedFd) -> io::Result<TargetKind> {
    let mode = rustix::fs::fstat(tree)?.st_mode;
    Ok(if FileType::from_raw_mode(mode) == FileType::Directory {
        TargetKind::Directory
    } else {
        TargetKind::File
    })
}

fn write_file(top: BorrowedFd<'_>, target: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let file = targets::make_file(top, target, mode)?;
    io::Write::write_all(&mut std::fs::File::from(file), content)
}

fn mount_tmpfs(top: BorrowedFd<'_>, target: &Path, size: u64, mode: u32) -> io::Result<()> {
    let options = [("size", size.to_string()), ("mode", format!("{mode:o}"))];
    let options = options.each_ref().map(|(key, value)| (*key, value.as_str()));
    let mount = new_filesystem("tmpfs", &options, PRIVATE)?;
    attach(&mount, targets::ensure(top, target, TargetKind::Directory)?.as_fd())
}

fn mount_proc(top: BorrowedFd<'_>, target: &Path) -> io::Result<()> {
    let attributes = PRIVATE | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    // With hidepid the command does not even see init, whose arguments name the caller's files.
    let mount = new_filesystem("proc", &[("hidepid", "invisible")], attributes)?;
    attach(&mount, targets::ensure(top, target, TargetKind::Directory)?.as_fd())
}

fn mount_devpts(top: BorrowedFd<'_>, target: &Path) -> io::Result<()> {
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let mount = new_filesystem("devpts", &[("ptmxmode", "0666"), ("mode", "0620")], attributes)?;
    attach(&mount, targets::ensure(top, target, TargetKind::Directory)?.as_fd())
}

fn bind_device(top: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let node = clone_tree(CWD, path, Access::ReadOnly)?;
    let set = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC;
    mount_setattr(&node, MountAttributes { set, id_map: None })?;
    attach(&node, targets::ensure(top, path, TargetKind::File)?.as_fd())
}

/// Covers `target` with an empty file or directory of the root's own, never with one of the host's:
/// a source that somebody can swap is how masks were taken off elsewhere (CVE-2025-31133).
fn mask(top: BorrowedFd<'_>, target: &Path) -> io::Result<()> {
    let covered = match targets::open(top, target) {
        Err(error) if error == Errno::NOENT => return Ok(()),
        found => found?,
    };
    let kind = kind_of(&covered)?;
    match kind {
        TargetKind::File => drop(targets::make_file(top, Path::new(MASK), 0)?),
        TargetKind::Directory => targets::make_directory(top, Path::new(MASK), 0)?,
    }
    let cover = clone_tree(top, Path::new(MASK), Access::ReadOnly)?;
    mount_setattr(&cover, MountAttributes { set: libc::MOUNT_ATTR_RDONLY, id_map: None })?;
    attach(&cover, covered.as_fd())?;
    // The mount holds what it shows; its name is free for the next.
    let flags = if kind == TargetKind::Directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
    Ok(rustix::fs::unlinkat(top, MASK, flags)?)
}

fn protect(top: BorrowedFd<'_>, target: &Path) -> io::Result<()> {
    let covered = targets::open(top, target)?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH
        | OpenTreeFlags::AT_RECURSIVE;
    let tree = kernel::open_tree(&covered, "", flags)?;
    mount_setattr(&tree, MountAttributes { set: libc::MOUNT_ATTR_RDONLY, id_map: None })?;
    attach(&tree, covered.as_fd())
}

fn describe(step: &Mount) -> String {
    match step {
        Mount::Directory { target, .. } => format!("mkdir({target:?})"),
        Mount::File { target, .. } => format!("write({target:?})"),
        Mount::Symlink { target, .. } => format!("symlink({target:?})"),
        Mount::Tmpfs { target, .. } => format!("mount(tmpfs, {target:?})"),
        Mount::Bind { source, target, .. } => format!("bind({source:?}, {target:?})"),
        Mount::Overlay { lower, upper, target, .. } => {
            format!("mount(overlay, lower {lower:?}, upper {upper:?}, {target:?})")
        }
        Mount::Proc { target } => format!("mount(proc, {target:?})"),
        Mount::Devpts { target } => format!("mount(devpts, {target:?})"),
        Mount::Device { path } => format!("bind({path:?})"),
        Mount::Mask { target } => format!("mask({target:?})"),
        Mount::Protect { target } => format!("protect({target:?})"),
    }
}
