//! The project's tree, walked from a held descriptor of its top.
//!
//! Every look and every step goes through here: `openat2` with `RESOLVE_BENEATH`, no link of any kind and no
//! other mount, so a directory that is swapped for a link meanwhile ends the step and never leads elsewhere.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, chmodat, fstat, openat2, statat};
use rustix::io::Errno;

use crate::compare::Kind;
use crate::files::io_error;
use crate::identity::Identity;
use crate::sighting::Sighting;

/// The project's top, open: the very directory that the session began with.
#[derive(Debug)]
pub(crate) struct Target {
    top: OwnedFd,
    path: PathBuf,
    identity: Identity,
    /// Directories that were worked in. One that somebody moves away meanwhile is put in order all the same.
    worked_in: RefCell<BTreeMap<PathBuf, OwnedFd>>,
}

/// So many directories are held at most.
const REMEMBERED: usize = 64;

/// Why the project cannot be written to.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says itself in its message")]
pub enum TargetError {
    #[error("the project `{}` is gone: it was deleted or moved", path.display())]
    Gone { path: PathBuf },
    #[error("the project `{}` is behind a link, which it was not before", path.display())]
    Linked { path: PathBuf },
    #[error("`{}` is another directory than the one that the session began with", path.display())]
    Replaced { path: PathBuf },
    #[error("opening the project `{}`", path.display())]
    Open { path: PathBuf, source: io::Error },
}

impl TargetError {
    /// What the caller can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Gone { .. } | Self::Linked { .. } | Self::Replaced { .. } => Some(
                "nothing was changed; put the directory back under its old name, or take what you need from \
                 `clearing diff`",
            ),
            Self::Open { .. } => None,
        }
    }
}

/// A longer path is walked in pieces: the kernel takes no more than 4,095 bytes at once.
const PIECE: usize = 2048;
/// Times that a walk is tried again which the kernel gave up because something was renamed meanwhile.
const PATIENCE: usize = 64;

impl Target {
    /// Opens the directory `path`, which must be canonical, and demands that it is `expected`.
    pub(crate) fn open(path: &Path, expected: Identity) -> Result<Self, TargetError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let named = || path.to_owned();
        let top = openat2(CWD, path, flags, Mode::empty(), resolve).map_err(|errno| match errno {
            // Both a link and a file are "not a directory".
            Errno::LOOP | Errno::NOTDIR if is_link(path) => TargetError::Linked { path: named() },
            Errno::NOENT | Errno::NOTDIR => TargetError::Gone { path: named() },
            Errno::LOOP => TargetError::Linked { path: named() },
            errno => TargetError::Open { path: named(), source: io_error(errno) },
        })?;
        let stat =
            fstat(&top).map_err(|errno| TargetError::Open { path: named(), source: io_error(errno) })?;
        let identity = Identity::of(&stat);
        if identity != expected {
            return Err(TargetError::Replaced { path: named() });
        }
        Ok(Self { top, path: named(), identity, worked_in: RefCell::default() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    pub(crate) fn top(&self) -> BorrowedFd<'_> {
        self.top.as_fd()
    }

    /// Opens a directory of the project for reading and listing.
    pub(crate) fn directory(&self, path: &Path) -> Result<OwnedFd, Errno> {
        self.open_beneath(path, OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// Holds on to a directory in which something is about to be changed.
    pub(crate) fn remember(&self, path: &Path, directory: BorrowedFd<'_>) {
        let mut worked_in = self.worked_in.borrow_mut();
        if worked_in.len() < REMEMBERED
            && !worked_in.contains_key(path)
            && let Ok(held) = directory.try_clone_to_owned()
        {
            worked_in.insert(path.to_owned(), held);
        }
    }

    /// The directory that was worked in under this path, wherever it is now; none if nobody held on to it.
    pub(crate) fn remembered(&self, path: &Path) -> Option<OwnedFd> {
        self.worked_in.borrow().get(path)?.try_clone().ok()
    }

    /// Holds a directory that need not be readable.
    pub(crate) fn held(&self, path: &Path) -> Result<OwnedFd, Errno> {
        self.open_beneath(path, OFlags::PATH | OFlags::DIRECTORY)
    }

    /// What stands under `path`; none if nothing does, or if no directory leads there.
    pub(crate) fn sighting(&self, path: &Path) -> Result<Option<Sighting>, Errno> {
        let Some(name) = path.file_name() else {
            return fstat(&self.top).map(|stat| Some(Sighting::of_stat(&stat)));
        };
        match self.held(path.parent().unwrap_or(Path::new(""))) {
            Ok(directory) => Sighting::at(directory.as_fd(), &c_string(name)?),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    fn open_beneath(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        let mut pieces = pieces(path).into_iter();
        let last = pieces.next_back().unwrap_or_default();
        let mut here: Option<OwnedFd> = None;
        for piece in pieces {
            let from = here.as_ref().map_or(self.top.as_fd(), OwnedFd::as_fd);
            here = Some(beneath(from, &piece, OFlags::PATH | OFlags::DIRECTORY)?);
        }
        beneath(here.as_ref().map_or(self.top.as_fd(), OwnedFd::as_fd), &last, flags)
    }
}

/// Sets the mode of a directory that is held and perhaps not open.
///
/// `fchmodat` follows links; the descriptor's own name below `/proc` leads to what it holds and nowhere else.
pub(crate) fn chmod_held(held: BorrowedFd<'_>, mode: u32) -> Result<(), Errno> {
    let name = format!("/proc/self/fd/{}", held.as_raw_fd());
    chmodat(CWD, name, Mode::from_raw_mode(mode), AtFlags::empty())
}

/// A name for the kernel; one with a NUL in it cannot come from there.
pub(crate) fn c_string(name: &OsStr) -> Result<CString, Errno> {
    CString::new(name.as_bytes()).map_err(|_| Errno::INVAL)
}

fn is_link(path: &Path) -> bool {
    let stat = statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
    stat.is_ok_and(|stat| Kind::of(&stat) == Kind::Symlink)
}

fn beneath(directory: BorrowedFd<'_>, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    let mut opened = Err(Errno::AGAIN);
    for _ in 0..PATIENCE {
        opened = openat2(directory, path, flags, Mode::empty(), resolve);
        if !matches!(opened, Err(Errno::AGAIN | Errno::INTR)) {
            break;
        }
    }
    opened
}

fn pieces(path: &Path) -> Vec<PathBuf> {
    let mut pieces = vec![PathBuf::new()];
    for component in path.components() {
        match pieces.last_mut() {
            Some(piece) if piece.as_os_str().len() + component.as_os_str().len() < PIECE => {
                piece.push(component);
            }
            _ => pieces.push(component.as_os_str().into()),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn target(path: &Path) -> Result<Target, TargetError> {
        let identity = fs::metadata(path).map(|it| {
            use std::os::unix::fs::MetadataExt as _;
            Identity { device: it.dev(), inode: it.ino() }
        });
        Target::open(path, identity.unwrap_or(Identity { device: 0, inode: 0 }))
    }

    #[test]
    fn no_link_is_walked_through_and_no_way_leads_up() {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir_all(top.path().join("p/real/deep")).unwrap();
        fs::create_dir(top.path().join("outside")).unwrap();
        symlink("real", top.path().join("p/inward")).unwrap();
        symlink(top.path().join("outside"), top.path().join("p/outward")).unwrap();
        let target = target(&top.path().join("p")).unwrap();
        assert!(target.directory(Path::new("real/deep")).is_ok());
        for path in ["inward", "outward", "inward/deep", "..", "real/../..", "/etc"] {
            assert!(target.directory(Path::new(path)).is_err(), "{path}");
            assert!(target.held(Path::new(path)).is_err(), "{path}");
        }
        assert_eq!(target.sighting(Path::new("inward/deep")), Ok(None));
        assert!(target.sighting(Path::new("inward")).unwrap().is_some());
    }

    #[test]
    fn a_project_that_is_not_what_it_was_is_refused_each_in_its_way() {
        let top = tempfile::tempdir().unwrap();
        let (project, other) = (top.path().join("p"), top.path().join("q"));
        fs::create_dir_all(&project).unwrap();
        let identity = target(&project).unwrap().identity();
        fs::rename(&project, &other).unwrap();
        assert!(matches!(Target::open(&project, identity), Err(TargetError::Gone { .. })));
        symlink(&other, &project).unwrap();
        assert!(matches!(Target::open(&project, identity), Err(TargetError::Linked { .. })));
        fs::remove_file(&project).unwrap();
        fs::create_dir(&project).unwrap();
        assert!(matches!(Target::open(&project, identity), Err(TargetError::Replaced { .. })));
        assert!(Target::open(&other, identity).is_ok());
    }

    #[test]
    fn a_path_longer_than_the_kernel_takes_is_walked_in_pieces() {
        let top = tempfile::tempdir().unwrap();
        let name = "d".repeat(200);
        let mut path = PathBuf::new();
        let mut here: OwnedFd = fs::File::open(top.path()).unwrap().into();
        for _ in 0..30 {
            rustix::fs::mkdirat(&here, &name, Mode::RWXU).unwrap();
            here = crate::descent::step(&here, &c_string(OsStr::new(&name)).unwrap()).unwrap();
            path.push(&name);
        }
        let target = target(top.path()).unwrap();
        assert!(path.as_os_str().len() > 4096);
        assert!(target.directory(&path).is_ok());
        assert!(target.sighting(&path).unwrap().is_some());
    }
}
