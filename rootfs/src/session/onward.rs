//! What a step in the history means for the mounts of a sandbox that goes on above it.

use std::collections::BTreeMap;
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use super::Session;
use super::error::SessionError;
use super::history::Step;
use super::ids::LayerId;
use crate::layer_directory::{LayerDirectories, LayerTop, Place};

/// The parts that sealed layers have, which never change.
#[derive(Debug, Default)]
pub struct Parts(BTreeMap<LayerId, Vec<String>>);

impl Session {
    /// What the layers below the step's live one have of a part, newest first.
    pub fn sealed_below(
        &self,
        step: &Step,
        part: &str,
        known: &mut Parts,
    ) -> Result<Vec<PathBuf>, SessionError> {
        let mut uppers = Vec::new();
        let top = step.next.as_ref().map_or_else(|| self.record.sealed_top(), |next| next.parent.as_ref());
        for id in self.record.chain(top) {
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
        let (id, directory) = match &step.next {
            Some(next) => (&next.id, &next.opened),
            None => (&self.record.live, &self.live),
        };
        let path = self.sessions.layers.path(id);
        let place = Place { directory: directory.as_fd(), path: &path };
        let made = place.set_work_aside(part).and_then(|()| place.go_on_with_layer(part, top));
        made.map_err(|errno| SessionError::file("making the layer", path.join(part), errno))
    }

    /// Takes an empty part along to the step's live layer, with the overlay that is mounted upon it.
    pub fn carry_over(&self, step: &Step, part: &str) -> Result<LayerDirectories, SessionError> {
        let (from, next) = (self.live_path(), step.next.as_ref());
        let path = next.map_or_else(|| from.clone(), |next| self.sessions.layers.path(&next.id));
        let place = Place { directory: self.live.as_fd(), path: &path };
        let carried = next.map_or(Ok(()), |next| place.carry_layer(part, next.opened.as_fd()));
        let failed = |errno| SessionError::file("moving to the new layer", from.join(part), errno);
        carried.map(|()| place.directories(part)).map_err(failed)
    }
}
