//! Paths in the root under construction: resolved once, beneath its descriptor, through no link.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{self, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// What a mount is put upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetKind {
    Directory,
    File,
}

/// Opens `target` as a path, making it and its parents where they are missing.
pub(crate) fn ensure(root: BorrowedFd<'_>, target: &Path, kind: TargetKind) -> io::Result<OwnedFd> {
    match open(root, target) {
        Err(error) if error == Errno::NOENT => {}
        found => return Ok(found?),
    }
    match kind {
        TargetKind::Directory => make_directory(root, target, 0o755)?,
        TargetKind::File => drop(make_file(root, target, 0o644)?),
    }
    Ok(open(root, target)?)
}

/// Opens what exists at `target` as a path; a link anywhere in it is `ELOOP`.
pub(crate) fn open(root: BorrowedFd<'_>, target: &Path) -> Result<OwnedFd, Errno> {
    fs::openat2(
        root,
        beneath(target),
        OFlags::PATH | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
    )
}

/// Makes the directory `target`, and its parents where they are missing; fine if it exists.
pub(crate) fn make_directory(root: BorrowedFd<'_>, target: &Path, mode: u32) -> io::Result<()> {
    with_parent(root, target, |parent, name| match fs::mkdirat(parent, name, Mode::from_raw_mode(mode)) {
        Err(error) if error != Errno::EXIST => Err(error),
        _ => Ok(()),
    })
}

/// Makes the file `target`, which must not exist, and opens it for writing.
pub(crate) fn make_file(root: BorrowedFd<'_>, target: &Path, mode: u32) -> io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    with_parent(root, target, |parent, name| fs::openat(parent, name, flags, Mode::from_raw_mode(mode)))
}

/// Makes the symbolic link `target`, which must not exist.
pub(crate) fn make_symlink(root: BorrowedFd<'_>, target: &Path, to: &Path) -> io::Result<()> {
    with_parent(root, target, |parent, name| fs::symlinkat(to, parent, name))
}

fn with_parent<T>(
    root: BorrowedFd<'_>,
    target: &Path,
    act: impl FnOnce(BorrowedFd<'_>, &Path) -> Result<T, Errno>,
) -> io::Result<T> {
    let name = target.file_name().map(Path::new).ok_or(Errno::EXIST)?;
    let parent = target.parent().unwrap_or(Path::new("/"));
    if parent == Path::new("/") || parent.as_os_str().is_empty() {
        return Ok(act(root, name)?);
    }
    let parent = ensure(root, parent, TargetKind::Directory)?;
    Ok(act(parent.as_fd(), name)?)
}

/// `/` itself is the root's descriptor, which `openat2` calls `.`.
fn beneath(target: &Path) -> &Path {
    match target.strip_prefix("/") {
        Ok(relative) if relative.as_os_str().is_empty() => Path::new("."),
        Ok(relative) => relative,
        Err(_) => target,
    }
}
