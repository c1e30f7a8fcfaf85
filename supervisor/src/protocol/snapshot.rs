//! Snapshots.

use clearing_rootfs::{Snapshot, Why};
use clearing_runtime::spec::Others;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds::NAME;

/// What becomes of processes that are alive where nothing may change below them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ProcessesMode {
    /// It is not done: `CLR-BUSY`.
    #[default]
    Refuse,
    /// They are ended first.
    Stop,
}

impl ProcessesMode {
    pub(crate) fn others(self) -> Others {
        match self {
            Self::Refuse => Others::Refuse,
            Self::Stop => Others::End,
        }
    }
}

/// `snapshot/create`: names the present state.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SnapshotCreate {
    pub(crate) session: String,
    /// Its name; one is given where there is none.
    #[schemars(regex(pattern = NAME))]
    pub(crate) label: Option<String>,
    #[serde(default)]
    pub(crate) processes: ProcessesMode,
}

/// A snapshot.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SnapshotMade {
    pub(crate) snapshot: String,
    pub(crate) made: String,
    /// `initial`, `asked`, `beforeRollback`, …
    #[schemars(with = "String")]
    pub(crate) why: Why,
}

impl SnapshotMade {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        Self { snapshot: snapshot.name.clone(), made: snapshot.made.to_string(), why: snapshot.why }
    }
}

/// `snapshot/list`: oldest first.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SnapshotList {
    pub(crate) session: String,
}

/// The answer of `snapshot/list`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Snapshots {
    pub(crate) snapshots: Vec<SnapshotMade>,
}

/// `snapshot/rollback`: goes back to a snapshot; what would be lost by that is kept in another one.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SnapshotRollback {
    pub(crate) session: String,
    pub(crate) snapshot: String,
    #[serde(default)]
    pub(crate) processes: ProcessesMode,
}

/// The answer of `snapshot/rollback`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RolledBackTold {
    pub(crate) snapshot: String,
    /// The snapshot that keeps what was there; `null` if nothing would have been lost.
    pub(crate) backup: Option<String>,
}
