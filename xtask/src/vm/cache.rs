//! The directory outside the repository that keeps what machines are made of.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::Result;

/// `$CLEARING_VM_CACHE`, else a directory of its own in the user's cache; held by one chore at a time.
pub(super) struct Cache {
    directory: PathBuf,
    _lock: File,
}

impl Cache {
    pub(super) fn open() -> Result<Self> {
        let directory = place().ok_or("neither CLEARING_VM_CACHE nor a home directory is set")?;
        fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        let lock = File::create(directory.join("lock"))?;
        lock.lock()?;
        Ok(Self { directory, _lock: lock })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// A directory beside the results, so that a finished one is moved into its place whole.
    pub(super) fn scratch(&self) -> Result<TempDir> {
        Ok(tempfile::Builder::new().prefix("new-").tempdir_in(&self.directory)?)
    }

    /// Puts a finished file or directory where it is looked for, instead of an older one.
    pub(super) fn place(&self, made: &Path, name: &str) -> Result<PathBuf> {
        let place = self.path(name);
        if place.is_dir() {
            fs::remove_dir_all(&place)?;
        }
        fs::rename(made, &place)?;
        Ok(place)
    }
}

fn place() -> Option<PathBuf> {
    if let Some(chosen) = env::var_os("CLEARING_VM_CACHE") {
        return Some(chosen.into());
    }
    let caches = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let caches = caches.or_else(|| Some(env::home_dir()?.join(".cache")));
    Some(caches?.join("clearing/vm"))
}
