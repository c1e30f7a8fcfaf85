//! What is known of a session, as readable JSON beside its layers.
//!
//! ```text
//!   project ◀── layer ◀── layer ◀── live          `parent` points left; a snapshot names a layer, or
//!                  ▲                               none for the project as it is; a fork shares layers
//!               snapshot
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{LayerId, SessionId};
use crate::boot::boot_id;
use crate::hidden::HiddenPath;
use crate::identity::Identity;
use crate::path_text::PathText;

/// The only form of a record that is known.
pub(crate) const VERSION: u32 = 1;
/// The snapshot that every session begins with: the project as it is.
pub(crate) const INITIAL: &str = "initial";

/// A session, as it is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// Of this form.
    pub(crate) version: u32,
    /// Given by clearing.
    pub id: SessionId,
    /// Given by the caller.
    pub name: Option<String>,
    /// When it was made.
    pub made: Timestamp,
    /// When a verb last changed it.
    pub used: Timestamp,
    /// The project's true name when the session was made.
    pub project: PathText,
    /// The project itself, whatever name it has later.
    pub identity: Identity,
    /// The boot under which that device number meant something.
    pub boot: String,
    /// The git directory outside of the project.
    pub git: Option<PathText>,
    /// A profile's name or path.
    pub profile: String,
    /// Every layer of the session, the live one among them.
    pub(crate) layers: BTreeMap<LayerId, LayerRecord>,
    /// Takes what commands write.
    pub live: LayerId,
    /// Oldest first.
    pub snapshots: Vec<Snapshot>,
    /// The highest numbers in the names of snapshots that are forgotten, by what stands before the number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) forgotten: BTreeMap<String, u64>,
    /// Commands that ended.
    pub execs: u64,
    /// The command that has not, or that was killed with its supervisor.
    pub running: Option<Running>,
    /// What of the project was hidden from any of its commands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<HiddenPath>,
    /// The snapshot before a patch that is being written, or was when its supervisor was killed: what is in
    /// the live layer does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) patching: Option<String>,
}

/// One layer of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LayerRecord {
    /// What it lies upon; the project where there is none.
    pub(crate) parent: Option<LayerId>,
    /// The boot under which it was last written to without being synced since.
    pub(crate) unsynced: Option<String>,
}

/// A named point in the stack of layers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Snapshot {
    /// Unique in its session.
    pub name: String,
    /// The topmost layer; none for the project as it is.
    pub top: Option<LayerId>,
    /// When it was taken.
    pub made: Timestamp,
    /// What for.
    pub why: Why,
}

/// What a snapshot was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Why {
    /// The session's beginning.
    Initial,
    /// Somebody asked for it.
    Asked,
    /// What a rollback would have lost.
    BeforeRollback,
    /// The state that a fork started from.
    Fork,
    /// The state before a command that may be rolled back.
    BeforeExec,
    /// What a command left that was rolled back by the profile.
    RolledBack,
    /// The state before a patch.
    BeforePatch,
    /// The state that a patch made.
    AfterPatch,
}

/// A command at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Running {
    /// When it was asked for.
    pub started: Timestamp,
    /// The supervisor's process id.
    pub pid: u32,
    /// Written down before anybody asked for one: there may never have been a command, and one that there was began
    /// later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub foreseen: bool,
}

impl Record {
    /// A command begins now, which does not see what is `hidden`.
    pub(super) fn begin(&mut self, hidden: &[HiddenPath]) {
        self.hidden.extend(hidden.iter().cloned());
        self.hidden.sort();
        self.hidden.dedup();
        self.running = Some(Running { started: Timestamp::now(), pid: std::process::id(), foreseen: false });
        let live = self.layers.get_mut(&self.live);
        live.into_iter().for_each(|layer| layer.unsynced = Some(boot_id()));
    }

    /// Whether a command runs, or was killed with its supervisor.
    pub fn is_running(&self) -> bool {
        self.running.as_ref().is_some_and(|running| !running.foreseen)
    }

    /// The layers below and including `top`, newest first.
    pub fn chain(&self, top: Option<&LayerId>) -> Vec<LayerId> {
        let mut chain = Vec::new();
        let mut next = top.cloned();
        while let Some(id) = next {
            next = self.layers.get(&id).and_then(|layer| layer.parent.clone());
            chain.push(id);
        }
        chain
    }

    /// The layer below the live one.
    pub fn sealed_top(&self) -> Option<&LayerId> {
        self.layers.get(&self.live).and_then(|layer| layer.parent.as_ref())
    }

    /// The newest layer of the present state: that which a patch is being written to does not count.
    pub fn present(&self) -> Option<&LayerId> {
        if self.patching.is_some() { self.sealed_top() } else { Some(&self.live) }
    }

    /// The snapshot of this name.
    pub fn snapshot(&self, name: &str) -> Option<&Snapshot> {
        self.snapshots.iter().find(|snapshot| snapshot.name == name)
    }

    /// Whether the machine was started anew since something was written that nobody synced: what was
    /// written shortly before may be missing.
    pub fn is_unsure(&self, boot: &str) -> bool {
        let unsure = |id: &LayerId| {
            let unsynced = self.layers.get(id).and_then(|layer| layer.unsynced.as_deref());
            unsynced.is_some_and(|written| written != boot)
        };
        self.chain(Some(&self.live)).iter().any(unsure)
    }

    /// The same for this boot.
    pub fn is_unsure_now(&self) -> bool {
        self.is_unsure(&boot_id())
    }

    /// How many layers lie over the project, the live one among them.
    pub fn depth(&self) -> usize {
        self.chain(Some(&self.live)).len()
    }

    /// The snapshot that a layer lies upon: the nearest one below it, and not `but` itself.
    pub fn snapshot_below(&self, top: Option<&LayerId>, but: Option<&str>) -> Option<&Snapshot> {
        let older = self.snapshots.iter().take_while(|snapshot| Some(snapshot.name.as_str()) != but);
        let older: Vec<&Snapshot> = older.collect();
        let on = |layer: Option<&LayerId>| older.iter().rev().find(|snapshot| snapshot.top.as_ref() == layer);
        let chain = self.chain(top);
        chain.iter().map(Some).chain([None]).find_map(on).copied()
    }

    /// The project's path.
    pub fn project(&self) -> &PathBuf {
        &self.project.0
    }

    /// What is wrong with a record that was read, if anything is.
    pub(crate) fn fault(&self) -> Option<String> {
        if self.version != VERSION {
            return Some(format!("version {} is not known here, {VERSION} is", self.version));
        }
        let tops = self.snapshots.iter().filter_map(|snapshot| snapshot.top.as_ref());
        let parents = self.layers.values().filter_map(|layer| layer.parent.as_ref());
        let unknown = tops.chain(parents).chain([&self.live]).find(|id| !self.layers.contains_key(*id));
        unknown.map(|id| format!("layer {id} is not described")).or_else(|| self.cycle())
    }

    fn cycle(&self) -> Option<String> {
        let endless = |id: &&LayerId| {
            let mut steps = 0;
            let mut next = Some(*id);
            while let Some(id) = next.filter(|_| steps <= self.layers.len()) {
                next = self.layers.get(id).and_then(|layer| layer.parent.as_ref());
                steps += 1;
            }
            steps > self.layers.len()
        };
        self.layers.keys().find(endless).map(|id| format!("layer {id} lies upon itself"))
    }
}
