//! What becomes of a session without a connection having asked for it.

use schemars::JsonSchema;
use serde::Serialize;

/// `session/changed`: told to every connection that made or took the session, but the one that asked for the change.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionChanged {
    pub(crate) session: String,
    pub(crate) what: Change,
    /// The snapshot that was made, or gone back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) snapshot: Option<String>,
    /// Why it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<EndedBy>,
}

/// What has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Change {
    /// A snapshot was made.
    Snapshot,
    /// It went back to one.
    RolledBack,
    /// What it changed has landed in the project.
    Committed,
    /// What it changed was given up.
    Discarded,
    /// It shows the project as that is now.
    Refreshed,
    /// A patch was applied.
    Patched,
    /// Its sandbox is no more.
    Ended,
}

/// Why a sandbox is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum EndedBy {
    /// Nobody used it for as long as was said.
    Idle,
    /// Its time was over.
    Lifetime,
    /// Somebody destroyed it.
    Destroyed,
    /// It ended by itself.
    Sandbox,
}

impl SessionChanged {
    pub(crate) fn new(what: Change) -> Self {
        Self { session: String::new(), what, snapshot: None, why: None }
    }

    pub(crate) fn on_snapshot(what: Change, snapshot: &str) -> Self {
        Self { snapshot: Some(snapshot.to_owned()), ..Self::new(what) }
    }

    pub(crate) fn ended(why: EndedBy) -> Self {
        Self { why: Some(why), ..Self::new(Change::Ended) }
    }
}
