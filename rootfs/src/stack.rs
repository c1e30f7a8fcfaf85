//! Layers over a directory, read as overlayfs would show them, without a mount.
//!
//! Every look-up begins at the tops and goes down by name, beneath them and through no link; nothing is
//! kept between two look-ups. A directory of the view is open in as many layers as have it, and only
//! while it is read.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FileType, OFlags, Stat, fstat, readlinkat};
use rustix::io::Errno;

use crate::beneath::{is_beneath, open_beneath};
use crate::compare::Kind;
use crate::files::{io_error, open_directory, path_of};
use crate::hidden::Hidden;
use crate::identity::Identity;
use crate::merged::{Merged, in_order};
use crate::walk::{Difference, WalkError, walk_beneath};

/// Upper layers, newest first, over a bottom directory.
///
/// The bottom is the last layer; a stack of it alone shows the directory itself.
#[derive(Debug)]
pub struct Stack {
    /// Stacks of one session share what they have in common.
    layers: Vec<Arc<Layer>>,
    /// What of the bottom is not shown.
    hidden: Hidden,
}

/// The top directory of a layer.
#[derive(Debug)]
struct Layer {
    path: PathBuf,
    /// None is a layer that has nothing.
    top: Option<Top>,
}

#[derive(Debug)]
struct Top {
    directory: OwnedFd,
    identity: Identity,
}

/// What the stack shows under a path.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// What the layer says of it. None where a directory on the way can be listed and not searched.
    pub stat: Option<Stat>,
    /// The layer that it is in, counted from the newest; for a directory the newest of those that have it.
    pub layer: usize,
    /// All layers that a directory is made of, newest first.
    pub(crate) directories: Vec<usize>,
}

impl Stack {
    /// Opens the tops of the layers, newest first, and the bottom. All of them must exist.
    pub fn open(layers: &[PathBuf], bottom: &Path) -> Result<Self, WalkError> {
        Self::open_with(layers, bottom, &[], open_layer)
    }

    /// The same, with the layers, from the bottom up, that this stack has open already.
    pub fn open_beside(&self, layers: &[PathBuf], bottom: &Path) -> Result<Self, WalkError> {
        Self::open_with(layers, bottom, &self.layers, open_layer)
    }

    /// Opens the stack; a layer whose directory does not exist has nothing. The bottom must exist.
    pub fn open_present(layers: &[PathBuf], bottom: &Path) -> Result<Self, WalkError> {
        Self::open_with(layers, bottom, &[], |path| match open_layer(path) {
            Err(Errno::NOENT) => Ok(None),
            opened => opened,
        })
    }

    fn open_with(
        layers: &[PathBuf],
        bottom: &Path,
        known: &[Arc<Layer>],
        open: impl Fn(&Path) -> Result<Option<Top>, Errno>,
    ) -> Result<Self, WalkError> {
        let failed = |path: &Path, errno| WalkError::Open { path: path.to_owned(), source: io_error(errno) };
        let paths = || layers.iter().map(PathBuf::as_path).chain([bottom]);
        let pairs = known.iter().rev().zip(paths().rev());
        let shared = pairs.take_while(|(layer, path)| layer.path == **path).count();
        let layer = |(number, path): (usize, &Path)| {
            let top = if number == layers.len() { open_layer(path) } else { open(path) };
            let top = top.map_err(|errno| failed(path, errno))?;
            Ok(Arc::new(Layer { path: path.to_owned(), top }))
        };
        let own = paths().enumerate().take(layers.len() + 1 - shared);
        let mut all = own.map(layer).collect::<Result<Vec<_>, _>>()?;
        all.extend_from_slice(&known[known.len() - shared..]);
        Ok(Self { layers: all, hidden: Hidden::default() })
    }

    /// The same stack without what is hidden of its bottom.
    pub fn hiding(self, hidden: &Hidden) -> Self {
        Self { hidden: hidden.clone(), ..self }
    }

    /// Whether the layer's `path` is not shown, though it may be there.
    pub(crate) fn hides(&self, layer: usize, path: impl FnOnce() -> PathBuf) -> bool {
        !self.hidden.is_nothing() && self.is_bottom(layer) && self.hidden.hides(&path())
    }

    /// Looks up a relative path without `..`; the empty one is the top itself.
    pub fn find(&self, path: &Path) -> Result<Option<Found>, WalkError> {
        if !is_beneath(path) {
            return Err(self.failed(0, path, Errno::INVAL));
        }
        let mut found = self.root()?;
        let mut way = PathBuf::new();
        for name in path {
            found = match self.find_in(&way, &found, name)? {
                Some(found) => found,
                None => return Ok(None),
            };
            way.push(name);
        }
        Ok(Some(found))
    }

    /// Looks up a name in the directory that was found under `path`.
    pub(crate) fn find_in(
        &self,
        path: &Path,
        directory: &Found,
        name: &OsStr,
    ) -> Result<Option<Found>, WalkError> {
        if directory.kind != Kind::Directory {
            return Ok(None);
        }
        let name = CString::new(name.as_bytes()).map_err(|_| self.failed(0, path, Errno::INVAL))?;
        Merged::of(self, path, &directory.directories).look_up(&name)
    }

    /// Opens for reading the regular file that was found under `path`.
    pub fn open_file(&self, path: &Path, found: &Found) -> Result<OwnedFd, WalkError> {
        self.open_file_in(found.layer, path)
    }

    /// Reads the target of the symbolic link that was found under `path`.
    pub fn read_link(&self, path: &Path, found: &Found) -> Result<PathBuf, WalkError> {
        self.read_link_in(found.layer, path)
    }

    /// Opens for reading the regular file that the layer has under `path`.
    pub(crate) fn open_file_in(&self, layer: usize, path: &Path) -> Result<OwnedFd, WalkError> {
        let failed = |errno| self.failed(layer, path, errno);
        let file = open_beneath(self.top(layer).map_err(failed)?, path, OFlags::empty());
        let file = file.map_err(failed)?;
        // A FIFO that was planted under the name meanwhile must not be read from.
        match fstat(&file).map_err(failed)? {
            stat if FileType::from_raw_mode(stat.st_mode).is_file() => Ok(file),
            _ => Err(failed(Errno::INVAL)),
        }
    }

    /// Reads the target of the symbolic link that the layer has under `path`.
    pub(crate) fn read_link_in(&self, layer: usize, path: &Path) -> Result<PathBuf, WalkError> {
        let failed = |errno| self.failed(layer, path, errno);
        let (parent, name) = match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => (parent, name),
            _ => return Err(failed(Errno::INVAL)),
        };
        let top = self.top(layer).map_err(failed)?;
        let parent = open_beneath(top, parent, OFlags::PATH | OFlags::DIRECTORY).map_err(failed)?;
        let target = readlinkat(&parent, name, Vec::new()).map_err(failed)?;
        Ok(path_of(target.into_bytes()))
    }

    /// Whether the directory that was found under `path` shows nothing in it.
    pub fn is_empty(&self, path: &Path, found: &Found) -> Result<bool, WalkError> {
        let directory = Merged::of(self, path, &found.directories);
        let mut names = Vec::new();
        directory.names(|_| true, &mut names)?;
        for (name, _) in in_order(names) {
            if directory.look_up(&name)?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Calls `found` with everything that the stack shows: a directory before what is in it, names in order.
    pub fn walk_all(&self, found: &mut dyn FnMut(&Path, Difference<'_>)) -> Result<(), WalkError> {
        // Against nothing, everything is added.
        walk_beneath((self, &[]), (self, &self.present()), found)
    }

    /// The directory of the layer, as it was given.
    pub fn layer_path(&self, layer: usize) -> &Path {
        self.layers.get(layer).map_or(Path::new(""), |layer| &layer.path)
    }

    /// The layers that have anything.
    pub(crate) fn present(&self) -> Vec<usize> {
        (0..self.layers.len()).filter(|&layer| self.layers[layer].top.is_some()).collect()
    }

    /// How many layers the two have in common, counted from the bottom.
    pub(crate) fn shared_with(&self, other: &Self) -> usize {
        let identity = |layer: &Arc<Layer>| layer.top.as_ref().map(|top| top.identity);
        let pairs = self.layers.iter().rev().zip(other.layers.iter().rev());
        pairs.take_while(|(one, two)| identity(one) == identity(two)).count()
    }

    /// How many layers there are, the bottom included.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    pub(crate) fn is_bottom(&self, layer: usize) -> bool {
        layer + 1 == self.layers.len()
    }

    /// What the layer is, if it has anything.
    pub(crate) fn identity(&self, layer: usize) -> Option<Identity> {
        self.layers.get(layer)?.top.as_ref().map(|top| top.identity)
    }

    pub(crate) fn top(&self, layer: usize) -> Result<BorrowedFd<'_>, Errno> {
        let top = self.layers.get(layer).and_then(|layer| layer.top.as_ref());
        top.map(|top| top.directory.as_fd()).ok_or(Errno::NOENT)
    }

    pub(crate) fn failed(&self, layer: usize, path: &Path, errno: Errno) -> WalkError {
        let layer = self.layer_path(layer).to_owned();
        WalkError::Read { path: path.to_owned(), layer, source: io_error(errno) }
    }

    /// The top itself.
    pub(crate) fn root(&self) -> Result<Found, WalkError> {
        let directories = self.present();
        let layer = directories.first().copied().unwrap_or(0);
        let stat =
            self.top(layer).and_then(fstat).map_err(|errno| self.failed(layer, Path::new(""), errno))?;
        Ok(Found { kind: Kind::Directory, stat: Some(stat), layer, directories })
    }
}

fn open_layer(path: &Path) -> Result<Option<Top>, Errno> {
    let directory = open_directory(path)?;
    let identity = Identity::of(&fstat(&directory)?);
    Ok(Some(Top { directory, identity }))
}

#[cfg(test)]
mod tests;
