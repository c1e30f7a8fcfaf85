//! How a command ended, as a server tells it.

use serde::Deserialize;
use serde_json::Value;

use crate::alerts::Alert;
use crate::error::Error;
use crate::monitor::Breach;
use crate::outcome::Cause;
use crate::policy::Denial;
use crate::relay::Truncated;
use crate::rollback::WentBack;

/// What a person is told of an outcome.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ending {
    pub(crate) session: String,
    pub(crate) cause: Cause,
    pub(crate) exit_code: Option<i32>,
    pub(crate) signal: Option<i32>,
    /// None of what never ran.
    pub(crate) changes: Option<Counted>,
    pub(crate) exceeded: Option<Breach>,
    #[serde(default)]
    pub(crate) truncated: Truncated,
    #[serde(default)]
    pub(crate) alerts: Vec<Alert>,
    #[serde(default)]
    pub(crate) denials: Vec<Denial>,
    #[serde(default)]
    pub(crate) more_denials: u64,
    #[serde(default)]
    pub(crate) unseen_executions: u64,
    pub(crate) rolled_back: Option<WentBack>,
    pub(crate) not_rolled_back: Option<Failed>,
    pub(crate) error: Option<Failed>,
    /// All of it.
    #[serde(skip)]
    pub(crate) outcome: Value,
    /// Bytes of output that the server did not keep, because nobody took them.
    #[serde(skip)]
    pub(crate) lost: u64,
}

/// How many files changed.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Counted {
    pub(crate) added: u64,
    pub(crate) modified: u64,
    pub(crate) deleted: u64,
    #[serde(default)]
    pub(crate) unread: u64,
}

/// Why there was no command.
#[derive(Debug, Deserialize)]
pub(crate) struct Failed {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Ending {
    pub(super) fn of(outcome: Value, lost: u64) -> Result<Self, Error> {
        let failed = |error: serde_json::Error| Error::System("reading the outcome", error.into());
        let ending: Self = serde_json::from_value(outcome.clone()).map_err(failed)?;
        Ok(Self { outcome, lost, ..ending })
    }
}
