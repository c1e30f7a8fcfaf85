//! Where it is measured: a directory that every user can reach, with all that is run in it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::{Result, shell};

/// A C program that makes the kernel calls of a sandbox and nothing else, where it lies beside the
/// repository.
const FLOOR_SOURCE: &str = "../shared/bench/limits.c";

pub(super) struct Place {
    directory: PathBuf,
    /// Removes the directory, for whoever made it.
    _owned: Option<TempDir>,
}

impl Place {
    /// Lays out a new place with copies of the binary, of this program and of the floor.
    pub(super) fn prepare(binary: &Path) -> Result<Self> {
        let everybody = Permissions::from_mode(0o755);
        let owned = tempfile::Builder::new().prefix("clearing-bench-").permissions(everybody).tempdir_in(
            std::env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from),
        )?;
        let place = Self { directory: owned.path().to_owned(), _owned: Some(owned) };
        for directory in place.owned_by_the_measurer() {
            fs::create_dir(directory)?;
        }
        fs::copy(binary, place.binary())?;
        fs::copy(std::env::current_exe()?, place.measurer())?;
        let source = shell::top().join(FLOOR_SOURCE);
        if source.is_file() {
            shell::run(Command::new("cc").args(["-O2", "-static", "-o"]).arg(place.floor()).arg(source))?;
        }
        Ok(place)
    }

    /// A place that was prepared by somebody else.
    pub(super) fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), _owned: None }
    }

    /// Makes everything that the measuring writes to belong to that user.
    pub(super) fn give_to(&self, id: u32) -> Result {
        for directory in self.owned_by_the_measurer() {
            chown(directory, Some(id), Some(id))?;
        }
        Ok(())
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn home(&self) -> PathBuf {
        self.directory.join("home")
    }

    pub(super) fn project(&self) -> PathBuf {
        self.directory.join("home/project")
    }

    pub(super) fn state(&self) -> PathBuf {
        self.directory.join("state")
    }

    pub(super) fn bundle(&self) -> PathBuf {
        self.directory.join("bundle")
    }

    pub(super) fn binary(&self) -> PathBuf {
        self.directory.join("clearing")
    }

    pub(super) fn measurer(&self) -> PathBuf {
        self.directory.join("xtask")
    }

    pub(super) fn live(&self) -> PathBuf {
        self.directory.join("live")
    }

    pub(super) fn floor(&self) -> PathBuf {
        self.directory.join("floor")
    }

    fn owned_by_the_measurer(&self) -> [PathBuf; 4] {
        [self.home(), self.project(), self.state(), self.bundle()]
    }
}
