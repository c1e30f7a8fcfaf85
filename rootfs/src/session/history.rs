//! Sealing, and going back: what becomes of layers, never of what is in them.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use jiff::Timestamp;

use super::Session;
use super::error::SessionError;
use super::ids::{LayerId, is_name};
use super::layers::Making;
use super::onward::Ready;
use super::record::{LayerRecord, Record, Snapshot, Why};
use super::retention::Fewer;

/// A state that was gone back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledBack {
    /// Where it stands now.
    pub to: String,
    /// The snapshot that keeps what was there before; none if nothing was there that another one has not.
    pub backup: Option<String>,
}

/// A step in the history of a session that no record names yet. Dropped, it was never made.
#[must_use]
#[derive(Debug)]
pub struct Step {
    /// What commands write to from then on; none where that stays the same.
    pub(super) next: Option<Next>,
    snapshot: Option<Snapshot>,
    /// The parts of the live layer that something was written to before.
    written: Vec<String>,
    /// Merged layers below.
    pub(super) fewer: Option<Fewer>,
}

/// A new live layer.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) parent: Option<LayerId>,
    pub(super) made: Option<Made>,
}

/// Its directory, among the layers or still in the session's own.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) at: PathBuf,
    pub(super) opened: OwnedFd,
    layer: Result<LayerId, CString>,
    making: Making,
}

impl Step {
    /// Whether commands write to another layer from then on.
    pub fn moves(&self) -> bool {
        self.next.is_some()
    }

    /// The parts in which something was written when a step on, or back, was prepared.
    pub fn written(&self) -> &[String] {
        &self.written
    }
}

impl Session {
    /// Names the present state. What is written from now on goes to a new layer.
    pub fn snapshot(&mut self, label: Option<&str>, why: Why) -> Result<Snapshot, SessionError> {
        let (step, snapshot) = self.step_to_snapshot(label, why)?;
        self.take(step)?;
        Ok(snapshot)
    }

    /// Prepares a snapshot.
    pub fn step_to_snapshot(&self, label: Option<&str>, why: Why) -> Result<(Step, Snapshot), SessionError> {
        let name = match label {
            Some(label) => self.free_label(label)?,
            None => self.record.free_name(why),
        };
        let step = self.step_on()?;
        let snapshot = Snapshot { name, top: self.present_top(&step), made: Timestamp::now(), why };
        Ok((Step { snapshot: Some(snapshot.clone()), ..step }, snapshot))
    }

    /// Prepares to go on where commands write now.
    pub fn step_aside(&self) -> Step {
        Step { next: None, snapshot: None, written: Vec::new(), fewer: None }
    }

    /// Prepares to go on above what has been written.
    pub fn step_on(&self) -> Result<Step, SessionError> {
        let written = self.live_parts()?;
        let next = match written.is_empty() {
            true => None,
            false => Some(Next { parent: Some(self.record.live.clone()), made: None }),
        };
        Ok(Step { next, written, ..self.step_aside() })
    }

    /// Prepares to go on where commands write now, above fewer layers.
    pub(super) fn step_above(&self, fewer: Fewer) -> Step {
        Step { fewer: Some(fewer), ..self.step_aside() }
    }

    /// Prepares to go on below the live layer, of which nothing is kept.
    pub(super) fn step_below(&self) -> Step {
        let parent = self.record.sealed_top().cloned();
        Step { next: Some(Next { parent, made: None }), ..self.step_aside() }
    }

    /// Makes the step, at once or not at all.
    pub fn take(&mut self, step: Step) -> Result<(), SessionError> {
        self.take_by(step, |session, step| session.change(|record| record.step(step)))
    }

    /// The same, and whatever else changes with it.
    pub(super) fn take_and(
        &mut self,
        step: Step,
        also: impl FnOnce(&mut Record),
    ) -> Result<(), SessionError> {
        self.take_by(step, |session, step| {
            session.change(|record| {
                record.step(step);
                also(record);
            })
        })
    }

    /// The same for a sandbox that lives on, without waiting for the disk: a power cut may take it back.
    pub fn take_swiftly(&mut self, step: Step) -> Result<(), SessionError> {
        self.take_by(step, |session, step| session.change_swiftly(|record| record.step(step)))
    }

    fn take_by(
        &mut self,
        mut step: Step,
        change: impl FnOnce(&mut Self, &Step) -> Result<(), SessionError>,
    ) -> Result<(), SessionError> {
        if step.next.as_ref().is_some_and(|next| next.made.is_none()) {
            self.begin(&mut step, None)?;
        }
        if let Some(made) = step.next.as_mut().and_then(|next| next.made.as_mut())
            && let Err(name) = &made.layer
        {
            made.layer = Ok(self.sessions.layers.adopt(&self.directory, name, &made.making)?);
        }
        change(self, &step)?;
        if let Some(made) = step.next.and_then(|next| next.made) {
            self.live = made.opened;
        }
        Ok(())
    }

    /// Makes the directory of the step's new layer, or takes one that is ready. Until the step is taken it is
    /// garbage.
    pub fn begin(&self, step: &mut Step, ready: Option<Ready>) -> Result<(), SessionError> {
        let Some(next) = &mut step.next else { return Ok(()) };
        let layers = &self.sessions.layers;
        let making = layers.making()?;
        next.made = Some(match ready {
            Some(Ready { name, path, opened }) => Made { at: path, opened, layer: Err(name), making },
            None => {
                let id = layers.make(&making)?;
                Made { at: layers.path(&id), opened: layers.open(&id)?, layer: Ok(id), making }
            }
        });
        Ok(())
    }

    /// The name of a snapshot that has the present state; one is taken if there is none.
    pub fn name_of_present(&mut self, why: Why) -> Result<String, SessionError> {
        match self.present_snapshot()? {
            Some(name) => Ok(name),
            None => Ok(self.snapshot(None, why)?.name),
        }
    }

    /// Goes back to a snapshot, and keeps what would be lost by that in another one.
    pub fn rollback(&mut self, name: &str, why: Why) -> Result<RolledBack, SessionError> {
        let (step, rolled) = self.step_back(name, why)?;
        self.take(step)?;
        Ok(rolled)
    }

    /// Prepares to go back.
    pub fn step_back(&self, name: &str, why: Why) -> Result<(Step, RolledBack), SessionError> {
        let to = self.known_snapshot(name)?.clone();
        let written = self.live_parts()?;
        let is_clean = written.is_empty();
        let snapshot = match self.sealed_snapshot().filter(|_| is_clean) {
            Some(_) => None,
            None => {
                let top = if is_clean { self.record.sealed_top() } else { Some(&self.record.live) };
                Some(Snapshot {
                    name: self.record.free_name(why),
                    top: top.cloned(),
                    made: Timestamp::now(),
                    why,
                })
            }
        };
        let backup = snapshot.as_ref().map(|snapshot| snapshot.name.clone());
        let next = Some(Next { parent: to.top, made: None });
        Ok((Step { next, snapshot, written, fewer: None }, RolledBack { to: to.name, backup }))
    }

    /// The snapshot of this name.
    pub fn known_snapshot(&self, name: &str) -> Result<&Snapshot, SessionError> {
        self.record.snapshot(name).ok_or_else(|| SessionError::UnknownSnapshot {
            id: self.record.id.clone(),
            name: name.to_owned(),
        })
    }

    /// Removes snapshots, but never the first one, which costs nothing.
    pub fn forget(&mut self, names: &[String]) -> Result<(), SessionError> {
        self.change(|record| {
            record.forget(|snapshot| snapshot.why != Why::Initial && names.contains(&snapshot.name));
        })
    }

    /// Whether nothing was written since the last seal.
    pub fn is_clean(&self) -> Result<bool, SessionError> {
        Ok(self.sessions.layers.written_parts(&self.record.live)?.is_empty())
    }

    /// Seals the live layer, if something is in it.
    pub(super) fn seal(&mut self) -> Result<(), SessionError> {
        let step = self.step_on()?;
        if step.moves() { self.take(step) } else { Ok(()) }
    }

    /// What a snapshot of the present names.
    fn present_top(&self, step: &Step) -> Option<LayerId> {
        let sealed = if step.moves() { Some(&self.record.live) } else { self.record.sealed_top() };
        sealed.cloned()
    }

    /// The snapshot that has the present state.
    pub fn present_snapshot(&self) -> Result<Option<String>, SessionError> {
        let is_clean = self.is_clean()?;
        Ok(self.sealed_snapshot().filter(|_| is_clean).map(|snapshot| snapshot.name.clone()))
    }

    /// The snapshot that has all but what the live layer has.
    fn sealed_snapshot(&self) -> Option<&Snapshot> {
        let top = self.record.sealed_top();
        self.record.snapshots.iter().rev().find(|snapshot| snapshot.top.as_ref() == top)
    }

    /// The label, if a new snapshot can have it.
    pub fn free_label(&self, label: &str) -> Result<String, SessionError> {
        if !is_name(label) {
            return Err(SessionError::BadName { name: label.to_owned() });
        }
        match self.record.snapshot(label) {
            Some(_) => {
                Err(SessionError::SnapshotTaken { id: self.record.id.clone(), name: label.to_owned() })
            }
            None => Ok(label.to_owned()),
        }
    }
}

impl Record {
    fn step(&mut self, step: &Step) {
        if let Some(fewer) = &step.fewer {
            (self.layers, self.snapshots) = (fewer.record.layers.clone(), fewer.record.snapshots.clone());
        }
        self.snapshots.extend(step.snapshot.clone());
        let made = step.next.as_ref().and_then(|next| Some((&next.parent, next.made.as_ref()?)));
        if let Some((parent, Made { layer: Ok(id), .. })) = made {
            self.layers.insert(id.clone(), LayerRecord { parent: parent.clone(), unsynced: None });
            self.live = id.clone();
            self.prune();
        }
    }

    /// Leaves out the layers that neither the live one nor a snapshot lies upon.
    pub(super) fn prune(&mut self) {
        let tops = self.snapshots.iter().filter_map(|snapshot| snapshot.top.as_ref());
        let needed: std::collections::BTreeSet<LayerId> =
            tops.chain([&self.live]).flat_map(|top| self.chain(Some(top))).collect();
        self.layers.retain(|id, _| needed.contains(id));
    }
}
