//! What is used now.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `stats/get`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatsGet {
    pub(crate) session: String,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatsTold {
    pub(crate) session: String,
    /// Commands that run.
    pub(crate) execs: usize,
    /// Since the server has had it.
    pub(crate) held_ms: u64,
    /// Bytes of what commands wrote and is still there.
    pub(crate) disk: u64,
    /// Files and directories of it.
    pub(crate) inodes: u64,
    /// Bytes of output that are kept.
    pub(crate) kept_output: u64,
}
