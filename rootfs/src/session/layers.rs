//! The layers of all sessions, each in a directory of its own; a fork shares them.
//!
//! A layer that no record names is garbage. Between making one and naming it in a record, the maker holds
//! this directory's lock together with others; a collector holds it alone.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, Mode, flock, mkdirat, renameat};
use rustix::io::Errno;

use super::error::SessionError;
use super::ids::LayerId;
use crate::descent::{entries, some_entries, step};
use crate::layer_directory::{UPPER, layer_of_upper};
use crate::leave::Leave;
use crate::remove::{RemoveError, permit_owner, remove_tree};

/// Begins the name of a layer that is about to be removed.
const GONE: &str = ".gone-";

/// The directory of all layers.
#[derive(Debug, Clone)]
pub(crate) struct Layers {
    path: PathBuf,
    directory: Arc<OwnedFd>,
    /// Hears of each directory that is about to be removed.
    leave: Leave,
}

/// Held while a layer exists that no record names yet, or while those are looked for.
#[must_use]
#[derive(Debug)]
pub(crate) struct Making {
    _lock: OwnedFd,
}

impl Layers {
    pub(crate) fn new(path: PathBuf, directory: OwnedFd, leave: Leave) -> Self {
        Self { path, directory: Arc::new(directory), leave }
    }

    /// Where a layer is.
    pub(crate) fn path(&self, id: &LayerId) -> PathBuf {
        self.path.join(id.as_str())
    }

    /// What the layer has written of a part, whether it has any or not.
    pub(crate) fn upper(&self, id: &LayerId, part: &str) -> PathBuf {
        self.path.join(id.as_str()).join(format!("{part}{UPPER}"))
    }

    /// Whether something was written of the part. What is empty hides and shows nothing, and a mount is the
    /// quicker without it.
    pub(crate) fn has(&self, id: &LayerId, part: &str) -> Result<bool, SessionError> {
        let upper = CString::new(format!("{part}{UPPER}")).unwrap_or_default();
        let written = match step(self.open(id)?, &upper) {
            Err(Errno::NOENT) => return Ok(false),
            upper => upper.and_then(|upper| has_entries(&upper)),
        };
        written.map_err(|errno| SessionError::file("looking into the layer", self.upper(id, part), errno))
    }

    /// Opens the layer's directory.
    pub(crate) fn open(&self, id: &LayerId) -> Result<OwnedFd, SessionError> {
        step(&self.directory, &id.file_name())
            .map_err(|errno| SessionError::file("opening the layer", self.path(id), errno))
    }

    /// Allows to make layers, until the record that names them is written.
    pub(crate) fn making(&self) -> Result<Making, SessionError> {
        self.lock(FlockOperation::LockShared)
    }

    /// Makes an empty layer.
    pub(crate) fn make(&self, _making: &Making) -> Result<LayerId, SessionError> {
        let id = LayerId::random().map_err(SessionError::random)?;
        mkdirat(&self.directory, id.file_name(), Mode::RWXU)
            .map_err(|errno| SessionError::file("creating the layer", self.path(&id), errno))?;
        Ok(id)
    }

    /// Makes the directory `name` in `from` a layer.
    pub(crate) fn adopt(
        &self,
        from: &OwnedFd,
        name: &CStr,
        _making: &Making,
    ) -> Result<LayerId, SessionError> {
        let id = LayerId::random().map_err(SessionError::random)?;
        renameat(from, name, &self.directory, id.file_name())
            .map_err(|errno| SessionError::file("moving to the layers", self.path(&id), errno))?;
        Ok(id)
    }

    /// The parts in which something was written.
    pub(crate) fn written_parts(&self, id: &LayerId) -> Result<Vec<String>, SessionError> {
        let layer = self.open(id)?;
        let failed = |errno| SessionError::file("listing the layer", self.path(id), errno);
        let mut parts = Vec::new();
        for entry in entries(layer.as_fd()).map_err(failed)? {
            let Some(part) = layer_of_upper(entry.name.to_bytes()) else { continue };
            let upper = step(&layer, &entry.name).map_err(failed)?;
            if has_entries(&upper).map_err(failed)? {
                parts.push(part.to_string_lossy().into_owned());
            }
        }
        Ok(parts)
    }

    /// Gives the caller back what a command took away: the tops of the parts are the command's to close, and
    /// everything that is done with a layer begins at them.
    pub(crate) fn open_tops(&self, id: &LayerId) -> Result<(), SessionError> {
        let failed = |errno| SessionError::file("opening the parts of the layer", self.path(id), errno);
        let layer = self.open(id)?;
        for entry in entries(layer.as_fd()).map_err(failed)? {
            if layer_of_upper(entry.name.to_bytes()).is_some() {
                permit_owner(layer.as_fd(), &entry.name).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Takes every layer out of the way that `named` does not know, and those of earlier collections, and removes them.
    /// The lock is only held for the first of it. What has no name of a layer's stays where it is.
    pub(crate) fn collect(
        &self,
        named: impl FnOnce() -> Result<Named, SessionError>,
    ) -> Result<Vec<RemoveError>, SessionError> {
        let alone = self.lock(FlockOperation::LockExclusive)?;
        let named = named()?;
        let failed = |errno| SessionError::file("listing the layers", &*self.path, errno);
        let mut gone = Vec::new();
        for entry in entries(self.directory.as_fd()).map_err(failed)? {
            let name = entry.name.to_string_lossy();
            if name.strip_prefix(GONE).is_some_and(LayerId::may_be) {
                gone.push(entry.name);
            } else if LayerId::may_be(&name) && !named.contains(&*name) {
                let aside = CString::new(format!("{GONE}{name}")).unwrap_or_default();
                renameat(&self.directory, &entry.name, &self.directory, &aside).map_err(failed)?;
                gone.push(aside);
            }
        }
        drop(alone);
        gone.iter().for_each(|name| self.leave.tell(self.directory.as_fd(), name));
        Ok(gone.iter().filter_map(|name| remove_tree(self.directory.as_fd(), name).err()).collect())
    }

    /// A lock belongs to an open file description, so that each holder needs one of its own.
    fn lock(&self, operation: FlockOperation) -> Result<Making, SessionError> {
        let lock = step(&self.directory, c".").and_then(|lock| flock(&lock, operation).map(|()| lock));
        lock.map(|lock| Making { _lock: lock })
            .map_err(|errno| SessionError::file("locking the layers", Path::new(&self.path), errno))
    }
}

/// Whether anything is in a directory that was just opened.
fn has_entries(directory: &OwnedFd) -> Result<bool, Errno> {
    let mut found = false;
    some_entries(directory.as_fd(), |_| found = true)?;
    Ok(found)
}

/// Names of layers that are in use.
pub(crate) type Named = std::collections::HashSet<String>;
