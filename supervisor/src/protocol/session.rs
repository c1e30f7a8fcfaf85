//! Sessions.

use std::collections::BTreeMap;

use clearing_rootfs::{PathText, Record, Written};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds::Field::{Absent, Text};
use super::bounds::{ABSOLUTE, NAME, one_of};
use super::snapshot::{ProcessesMode, SnapshotMade};
use crate::outcome::Tier;
use crate::session::State;

/// So many labels has a session.
pub(crate) const MOST_LABELS: usize = 64;

/// `session/create`: makes a session over a project, or takes one that is there. Of one that the server holds already
/// `labels`, `idleMs` and `lifetimeMs` replace what it had, where they are given.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = one_of(&[
    &[Text("workspace"), Absent("session")],
    &[Text("session"), Absent("workspace"), Absent("profile"), Absent("name")],
]))]
pub(crate) struct SessionCreate {
    /// The project, an absolute path.
    #[schemars(regex(pattern = ABSOLUTE))]
    pub(crate) workspace: Option<String>,
    /// A session that is there, by id or name, in place of `workspace`.
    pub(crate) session: Option<String>,
    /// A profile's name, or an absolute path; `default` where there is none.
    pub(crate) profile: Option<String>,
    /// A name of your own for it, beside its id.
    #[schemars(regex(pattern = NAME))]
    pub(crate) name: Option<String>,
    /// What you want to know it by; kept for as long as the server holds it. No more than 16 KiB of text in all.
    #[serde(default)]
    #[schemars(extend("maxProperties" = MOST_LABELS))]
    pub(crate) labels: BTreeMap<String, String>,
    /// After so long without a command and without a request its sandbox ends; the session is kept on disk.
    pub(crate) idle_ms: Option<u64>,
    /// After so long its sandbox ends, whatever runs.
    pub(crate) lifetime_ms: Option<u64>,
}

/// A session that the server holds now.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Created {
    pub(crate) session: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[schemars(with = "super::outside::Path")]
    pub(crate) project: PathText,
    pub(crate) tier: Tier,
    /// The last snapshot; `initial` of a new session.
    pub(crate) snapshot: String,
    pub(crate) labels: BTreeMap<String, String>,
    /// What the caller should know.
    pub(crate) notes: Vec<String>,
}

/// `session/get`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionGet {
    /// By id or name.
    pub(crate) session: String,
}

/// `session/list`: those that the server holds and those on disk.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionList {
    /// Only those with all of these labels.
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
}

/// The answer of `session/list`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Sessions {
    pub(crate) sessions: Vec<SessionTold>,
}

/// A session, as `session/get` has it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionTold {
    pub(crate) session: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Whether this server holds it.
    pub(crate) live: bool,
    /// `idle`, `running` or `unsure`.
    pub(crate) state: &'static str,
    #[schemars(with = "super::outside::Path")]
    pub(crate) project: PathText,
    pub(crate) profile: String,
    pub(crate) made: String,
    pub(crate) used: String,
    /// Commands that ended.
    pub(crate) execs: u64,
    pub(crate) snapshots: Vec<SnapshotMade>,
    pub(crate) layers: usize,
    pub(crate) bytes: u64,
    pub(crate) inodes: u64,
    /// Not all that was written could be counted, and there is more than `bytes` and `inodes` say.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) uncounted: bool,
    pub(crate) labels: BTreeMap<String, String>,
    /// Commands that run now.
    pub(crate) running: Vec<String>,
}

impl SessionTold {
    /// Of a session on disk.
    pub(crate) fn of(record: &Record, written: Written) -> Self {
        Self {
            session: record.id.to_string(),
            name: record.name.clone(),
            live: false,
            state: State::of(record).word(),
            project: record.project.clone(),
            profile: record.profile.clone(),
            made: record.made.to_string(),
            used: record.used.to_string(),
            execs: record.execs,
            snapshots: record.snapshots.iter().map(SnapshotMade::of).collect(),
            layers: record.depth(),
            bytes: written.bytes,
            inodes: written.inodes,
            uncounted: written.unread > 0,
            labels: BTreeMap::new(),
            running: Vec::new(),
        }
    }
}

/// `session/fork`: a second session that goes on from a state of the first. It is on disk; `session/create` takes it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SessionFork {
    pub(crate) session: String,
    /// The snapshot to go on from; else the present state.
    pub(crate) from: Option<String>,
    /// A name for the new one.
    #[schemars(regex(pattern = NAME))]
    pub(crate) name: Option<String>,
    /// What becomes of processes that run.
    #[serde(default)]
    pub(crate) processes: ProcessesMode,
}

/// The answer of `session/fork`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Forked {
    pub(crate) session: String,
}

/// `session/refresh`: shows the project as it is now.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SessionRefresh {
    pub(crate) session: String,
    /// What becomes of processes that run.
    #[serde(default)]
    pub(crate) processes: ProcessesMode,
}

/// `session/destroy`: ends every process in it, and removes it with all that was written, unless it is kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SessionDestroy {
    pub(crate) session: String,
    /// Whether it stays on disk, for `session/create` or the command line.
    #[serde(default)]
    pub(crate) keep: bool,
}

/// The answer of `session/destroy`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Destroyed {
    pub(crate) session: String,
    pub(crate) kept: bool,
}
