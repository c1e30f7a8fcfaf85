//! Sealing, and going back: what becomes of layers, never of what is in them.

use jiff::Timestamp;

use super::Session;
use super::error::SessionError;
use super::ids::{LayerId, is_name};
use super::record::{LayerRecord, Record, Snapshot, Why};

/// A state that was gone back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledBack {
    /// Where it stands now.
    pub to: String,
    /// The snapshot that keeps what was there before; none if nothing was there that another one has not.
    pub backup: Option<String>,
}

impl Session {
    /// Names the present state. What is written from now on goes to a new layer.
    pub fn snapshot(&mut self, label: Option<&str>, why: Why) -> Result<Snapshot, SessionError> {
        let name = match label {
            Some(label) => self.free_label(label)?,
            None => self.free_name(why),
        };
        self.seal()?;
        let snapshot = Snapshot { name, top: self.record.sealed_top().cloned(), made: Timestamp::now(), why };
        let named = snapshot.clone();
        self.change(|record| record.snapshots.push(named))?;
        Ok(snapshot)
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
        let to = self.known_snapshot(name)?.clone();
        let backup = match self.present_snapshot()? {
            Some(_) => None,
            None => Some(self.snapshot(None, why)?.name),
        };
        self.go_on_upon(to.top)?;
        Ok(RolledBack { to: to.name, backup })
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
            record
                .snapshots
                .retain(|snapshot| snapshot.why == Why::Initial || !names.contains(&snapshot.name));
            record.prune();
        })
    }

    /// Whether nothing was written since the last seal.
    pub fn is_clean(&self) -> Result<bool, SessionError> {
        Ok(self.sessions.layers.written_parts(&self.record.live)?.is_empty())
    }

    /// Seals the live layer, if something is in it.
    pub(super) fn seal(&mut self) -> Result<(), SessionError> {
        if self.is_clean()? { Ok(()) } else { self.go_on_upon(Some(self.record.live.clone())) }
    }

    /// The snapshot that has the present state.
    fn present_snapshot(&self) -> Result<Option<String>, SessionError> {
        if !self.is_clean()? {
            return Ok(None);
        }
        let top = self.record.sealed_top();
        let mut snapshots = self.record.snapshots.iter().rev();
        Ok(snapshots.find(|snapshot| snapshot.top.as_ref() == top).map(|snapshot| snapshot.name.clone()))
    }

    /// Takes a new live layer upon `parent`.
    fn go_on_upon(&mut self, parent: Option<LayerId>) -> Result<(), SessionError> {
        let layers = self.sessions.layers.clone();
        let making = layers.making()?;
        let live = layers.make(&making)?;
        let opened = layers.open(&live)?;
        self.change(|record| {
            record.layers.insert(live.clone(), LayerRecord { parent, unsynced: None });
            record.live = live;
            record.prune();
        })?;
        self.live = opened;
        Ok(())
    }

    fn free_label(&self, label: &str) -> Result<String, SessionError> {
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

    fn free_name(&self, why: Why) -> String {
        let stem = match why {
            Why::Initial | Why::Asked => "snapshot",
            Why::BeforeRollback => "before-rollback",
            Why::Fork => "fork",
            Why::BeforeExec => "before-exec",
            Why::RolledBack => "rolled-back",
        };
        // The highest number yet: one that was forgotten is not used again.
        let number =
            |snapshot: &Snapshot| snapshot.name.strip_prefix(stem)?.strip_prefix('-')?.parse::<u64>().ok();
        let last = self.record.snapshots.iter().filter_map(number).max().unwrap_or(0);
        format!("{stem}-{}", last.saturating_add(1))
    }
}

impl Record {
    /// Leaves out the layers that neither the live one nor a snapshot lies upon.
    pub(super) fn prune(&mut self) {
        let tops = self.snapshots.iter().filter_map(|snapshot| snapshot.top.as_ref());
        let needed: std::collections::BTreeSet<LayerId> =
            tops.chain([&self.live]).flat_map(|top| self.chain(Some(top))).collect();
        self.layers.retain(|id, _| needed.contains(id));
    }
}
