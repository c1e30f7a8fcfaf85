//! Paths in the root under construction: resolved once, beneath its descriptor, through no link.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// What a mount is put upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetKind {
    Directory,
    File,
}

/// The places of a root under construction.
pub(crate) struct Targets {
    top: OwnedFd,
    /// The directory that was asked for last: neighbours come one after the other.
    last: Option<(PathBuf, OwnedFd)>,
}

impl Targets {
    /// Places beneath the open directory `top`.
    pub(crate) fn new(top: OwnedFd) -> Self {
        Self { top, last: None }
    }

    /// The top directory.
    pub(crate) fn top(&self) -> &OwnedFd {
        &self.top
    }

    /// Opens `target` for a mount upon it, making it and its parents where they are missing.
    pub(crate) fn ensure(&mut self, target: &Path, kind: TargetKind) -> io::Result<OwnedFd> {
        let made = match kind {
            TargetKind::Directory => self.make_directory(target, 0o755).and_then(|()| Ok(self.open(target)?)),
            TargetKind::File => self.make_file(target, 0o644),
        };
        // What is there already may stand where nothing can be made.
        match made {
            Err(_) if self.open(target).is_ok() => Ok(self.open(target)?),
            made => made,
        }
    }

    /// Opens what exists at `target` as a path; a link anywhere in it is `ELOOP`.
    pub(crate) fn open(&mut self, target: &Path) -> Result<OwnedFd, Errno> {
        match (target.parent(), target.file_name()) {
            (Some(parent), Some(name)) => open_beneath(self.directory(parent)?, Path::new(name)),
            _ => open_beneath(self.top.as_fd(), Path::new(".")),
        }
    }

    /// Makes the directory `target`, and its parents where they are missing; fine if it exists.
    pub(crate) fn make_directory(&mut self, target: &Path, mode: u32) -> io::Result<()> {
        self.in_parent(target, |parent, name| match fs::mkdirat(parent, name, Mode::from_raw_mode(mode)) {
            Err(error) if error != Errno::EXIST => Err(error),
            _ => Ok(()),
        })
    }

    /// Makes the file `target`, which must not exist, and opens it for writing.
    pub(crate) fn make_file(&mut self, target: &Path, mode: u32) -> io::Result<OwnedFd> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        self.in_parent(target, |parent, name| fs::openat(parent, name, flags, Mode::from_raw_mode(mode)))
    }

    /// Makes the symbolic link `target`, which must not exist.
    pub(crate) fn make_symlink(&mut self, target: &Path, to: &Path) -> io::Result<()> {
        self.in_parent(target, |parent, name| fs::symlinkat(to, parent, name))
    }

    /// Forgets what lies where something has just been mounted.
    pub(crate) fn forget(&mut self) {
        self.last = None;
    }

    fn in_parent<T>(
        &mut self,
        target: &Path,
        act: impl FnOnce(BorrowedFd<'_>, &Path) -> Result<T, Errno>,
    ) -> io::Result<T> {
        let name = target.file_name().map(Path::new).ok_or(Errno::EXIST)?;
        let parent = target.parent().unwrap_or(Path::new("/"));
        match self.directory(parent) {
            Err(Errno::NOENT) => self.make_directory(parent, 0o755)?,
            found => return Ok(act(found?, name)?),
        }
        Ok(act(self.directory(parent)?, name)?)
    }

    /// The directory `path`, which must exist.
    fn directory(&mut self, path: &Path) -> Result<BorrowedFd<'_>, Errno> {
        let relative = path.strip_prefix("/").unwrap_or(path);
        if relative.as_os_str().is_empty() {
            return Ok(self.top.as_fd());
        }
        if self.last.as_ref().is_none_or(|(known, _)| known != path) {
            self.last = Some((path.to_owned(), open_beneath(self.top.as_fd(), relative)?));
        }
        Ok(self.last.as_ref().map_or(self.top.as_fd(), |(_, directory)| directory.as_fd()))
    }
}

fn open_beneath(directory: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, Errno> {
    fs::openat2(
        directory,
        path,
        OFlags::PATH | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets() -> (tempfile::TempDir, Targets) {
        let folder = tempfile::tempdir().expect("folder");
        let top = std::fs::File::open(folder.path()).expect("open").into();
        (folder, Targets::new(top))
    }

    #[test]
    fn missing_parents_are_made_and_what_exists_is_taken() {
        let (folder, mut targets) = targets();
        targets.ensure(Path::new("/a/b/c"), TargetKind::Directory).expect("made");
        targets.ensure(Path::new("/a/b/c"), TargetKind::Directory).expect("taken");
        targets.ensure(Path::new("/a/b/file"), TargetKind::File).expect("made");
        targets.ensure(Path::new("/a/b/file"), TargetKind::File).expect("taken");
        assert!(folder.path().join("a/b/c").is_dir() && folder.path().join("a/b/file").is_file());
        targets.ensure(Path::new("/"), TargetKind::Directory).expect("the top");
    }

    #[test]
    fn a_link_in_a_target_is_refused_wherever_it_leads() {
        let (folder, mut targets) = targets();
        std::fs::create_dir(folder.path().join("real")).expect("mkdir");
        for to in ["/etc", "real", "..", "/proc/self/root"] {
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(to, &link).expect("link");
            for target in ["/link", "/link/below", "/link/a/b"] {
                for kind in [TargetKind::Directory, TargetKind::File] {
                    targets.ensure(Path::new(target), kind).expect_err(&format!("{to} {target}"));
                }
            }
            std::fs::remove_file(link).expect("unlink");
        }
        assert_eq!(std::fs::read_dir(folder.path().join("real")).expect("list").count(), 0);
    }

    #[test]
    fn a_target_that_leads_upwards_is_refused() {
        let (_folder, mut targets) = targets();
        targets.ensure(Path::new("/../escape"), TargetKind::Directory).expect_err("beyond the top");
    }
}
