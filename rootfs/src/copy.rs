//! A working copy: the plain tree that a stack shows, for a command to work in where no overlay can be had.
//!
//! ```text
//!   stack ──make──▶ NAME.copy ──(a command)──▶ NAME.copy ──capture──▶ a layer, as an overlay would have it
//!                       └── NAME.manifest: what stood there at first ──┘
//! ```
//! So all that is done with layers — diff, commit, snapshots, forks — is done here by the same code.
//!
//! Memory does not grow with the tree: what is held are the names of the directories on the way to one path,
//! and some 100 bytes for each file that has several names.

mod capture;
mod error;
mod forged;
mod layer;
mod make;
mod manifest;

use std::ffi::CString;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, mkdirat, openat, renameat};
use rustix::io::Errno;

pub use self::error::CopyError;
use self::make::Maker;
pub(crate) use self::make::times;
use self::manifest::{Manifest, ManifestWriter};
use crate::files::io_error;
use crate::layer_directory::Place;
use crate::remove::{permit_owner, remove_tree};
use crate::stack::Stack;

/// Ends the name of a working copy.
const COPY: &str = ".copy";
/// Ends the name of one that is not whole.
const UNFINISHED: &str = ".copying";
/// Ends the name of the list of what stood in it at first.
const MANIFEST: &str = ".manifest";

/// A working copy in a directory of the caller's own.
#[derive(Debug)]
pub struct WorkingCopy {
    parent: OwnedFd,
    path: PathBuf,
    name: String,
}

/// How far a copy has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes of files, holes included.
    pub bytes: u64,
}

/// Whom the copies belong to; none where they are the caller's.
pub type Owner = Option<(u32, u32)>;

/// What a copy does not hold of its stack, or a layer of its copy: sockets, devices, and what cannot be read.
pub type LeftOut = Vec<PathBuf>;

impl WorkingCopy {
    /// Copies all that `stack` shows to `NAME.copy` in a directory. What is left of a copy that was
    /// interrupted is replaced. `tell` hears how far it has come.
    pub(crate) fn make(
        place: Place<'_>,
        name: &str,
        stack: &Stack,
        owner: Owner,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<(Self, LeftOut), CopyError> {
        let path = place.path;
        let failed = |errno| CopyError::Write { path: path.join(name), source: io_error(errno) };
        let parent = place
            .directory
            .try_clone_to_owned()
            .map_err(|source| CopyError::Write { path: path.into(), source })?;
        let copy = Self { parent, path: path.to_owned(), name: name.to_owned() };
        for suffix in [COPY, UNFINISHED, MANIFEST] {
            remove_tree(copy.parent.as_fd(), &copy.name(suffix)).map_err(CopyError::Remove)?;
        }
        mkdirat(&copy.parent, copy.name(UNFINISHED), Mode::RWXU).map_err(failed)?;
        let top = copy.open(UNFINISHED).map_err(failed)?;
        let manifest = ManifestWriter::create(&copy.parent, &copy.name(MANIFEST)).map_err(failed)?;
        let maker = Maker::new(top, copy.path(UNFINISHED), owner, manifest, tell);
        let maker = maker.map_err(|source| CopyError::Write { path: path.join(name), source })?;
        let left_out = maker.copy(stack)?;
        renameat(&copy.parent, copy.name(UNFINISHED), &copy.parent, copy.name(COPY)).map_err(failed)?;
        Ok((copy, left_out))
    }

    /// Where it is.
    pub fn root(&self) -> PathBuf {
        self.path(COPY)
    }

    /// Moves all that differs from what stood here at first into the layer `upper`, as changes of what `below`
    /// shows. The copy is no copy any more then. Nobody else may write to either meanwhile.
    pub fn capture(&self, below: &Stack, upper: &Path, owner: Owner) -> Result<LeftOut, CopyError> {
        let failed = |errno| CopyError::Write { path: self.root(), source: io_error(errno) };
        let manifest = Manifest::open(&self.parent, &self.name(MANIFEST)).map_err(failed)?;
        // The command may have closed its top.
        permit_owner(self.parent.as_fd(), &self.name(COPY)).map_err(failed)?;
        let copy = self.open(COPY).map_err(failed)?;
        let layer = crate::files::open_directory(upper)
            .map_err(|errno| CopyError::Write { path: upper.into(), source: io_error(errno) })?;
        capture::Capture { copy, copy_path: self.root(), layer, below, owner }.run(manifest)
    }

    /// Removes it with its manifest.
    pub fn remove(&self) -> Result<(), CopyError> {
        [COPY, MANIFEST].iter().try_for_each(|suffix| {
            remove_tree(self.parent.as_fd(), &self.name(suffix)).map_err(CopyError::Remove)
        })
    }

    fn name(&self, suffix: &str) -> CString {
        // Names of parts hold no NUL, or no directory could have them.
        CString::new(format!("{}{suffix}", self.name)).unwrap_or_default()
    }

    fn path(&self, suffix: &str) -> PathBuf {
        self.path.join(format!("{}{suffix}", self.name))
    }

    fn open(&self, suffix: &str) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(&self.parent, self.name(suffix), flags, Mode::empty())
    }
}

#[cfg(test)]
mod tests;
