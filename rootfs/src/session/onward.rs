//! What a step in the history means for the mounts of a sandbox that goes on above it.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{Mode, mkdirat};

use super::Session;
use super::error::SessionError;
use super::history::{Made, Step};
use super::ids::LayerId;
use crate::descent::step;
use crate::files::os_str;
use crate::layer_directory::{LayerDirectories, LayerTop, Place};
use crate::remove::remove_tree;

/// The parts that sealed layers have, which never change.
#[derive(Debug, Default)]
pub struct Parts(BTreeMap<LayerId, Vec<String>>);

/// The directory of a layer to come, in the session's own: no collection looks there.
#[derive(Debug)]
pub struct Ready {
    pub(super) name: CString,
    pub(super) path: PathBuf,
    pub(super) opened: OwnedFd,
}

impl Session {
    /// What the layers below the step's live one have of a part, newest first.
    pub fn sealed_below(
        &self,
        step: &Step,
        part: &str,
        known: &mut Parts,
    ) -> Result<Vec<PathBuf>, SessionError> {
        let mut uppers = Vec::new();
        let record = step.fewer.as_ref().map_or(&self.record, |fewer| &fewer.record);
        let top = step.next.as_ref().map_or_else(|| record.sealed_top(), |next| next.parent.as_ref());
        for id in record.chain(top) {
            if !known.0.contains_key(&id) {
                known.0.insert(id.clone(), self.sessions.layers.written_parts(&id)?);
            }
            if known.0.get(&id).is_some_and(|parts| parts.iter().any(|written| written == part)) {
                uppers.push(self.sessions.layers.upper(&id, part));
            }
        }
        Ok(uppers)
    }

    /// The parts of the live layer in which something was written.
    pub fn live_parts(&self) -> Result<Vec<String>, SessionError> {
        self.sessions.layers.written_parts(&self.record.live)
    }

    /// Makes what takes a part's changes after the step. Where that is what takes them now, only the work
    /// directory is another one, and the one before is left to the overlay that has it.
    pub fn writable_after(
        &self,
        step: &Step,
        part: &str,
        top: Option<LayerTop>,
    ) -> Result<LayerDirectories, SessionError> {
        let (path, directory) = match step.made() {
            Some(made) => (made.at.clone(), &made.opened),
            None => (self.live_path(), &self.live),
        };
        let place = Place { directory: directory.as_fd(), path: &path };
        let made = place.set_work_aside(part).and_then(|()| place.go_on_with_layer(part, top));
        made.map_err(|errno| SessionError::file("making the layer", path.join(part), errno))
    }

    /// Takes an empty part along to the step's live layer, with the overlay that is mounted upon it.
    pub fn carry_over(&self, step: &Step, part: &str) -> Result<(), SessionError> {
        let Some(made) = step.made() else { return Ok(()) };
        let path = self.live_path();
        let place = Place { directory: self.live.as_fd(), path: &path };
        let failed = |errno| SessionError::file("moving to the new layer", path.join(part), errno);
        place.carry_layer(part, made.opened.as_fd()).map_err(failed)
    }

    /// What takes a part's changes now.
    pub fn live_directories(&self, part: &str) -> LayerDirectories {
        let path = self.live_path();
        Place { directory: self.live.as_fd(), path: &path }.directories(part)
    }

    /// The session's own directory.
    pub fn path(&self) -> PathBuf {
        self.sessions.path_of(&self.record.id)
    }

    /// Makes the directory of a layer to come, so that nobody waits for that later. One of the same number that
    /// was not used goes.
    pub fn make_ready(&self, number: usize) -> Result<Ready, SessionError> {
        self.clear_ready(number)?;
        let name = ready(number);
        let path = self.path().join(os_str(&name));
        let made = mkdirat(&self.directory, &name, Mode::RWXU).and_then(|()| step(&self.directory, &name));
        let opened = made.map_err(|errno| SessionError::file("making ready", &*path, errno))?;
        Ok(Ready { name, path, opened })
    }

    /// Removes it, if it is there and was not used.
    pub fn clear_ready(&self, number: usize) -> Result<(), SessionError> {
        Ok(remove_tree(self.directory.as_fd(), &ready(number))?)
    }
}

fn ready(number: usize) -> CString {
    CString::new(format!("ready-{number}")).unwrap_or_default()
}

impl Ready {
    /// Makes what is to take a part's changes.
    pub fn writable(&self, part: &str, top: Option<LayerTop>) -> Result<LayerDirectories, SessionError> {
        let place = Place { directory: self.opened.as_fd(), path: &self.path };
        let made = place.go_on_with_layer(part, top);
        made.map_err(|errno| SessionError::file("making the layer", self.path.join(part), errno))
    }
}

impl Step {
    fn made(&self) -> Option<&Made> {
        self.next.as_ref()?.made.as_ref()
    }
}
