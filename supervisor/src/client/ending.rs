//! How a command ended, as a server tells it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::alerts::Alert;
use crate::error::Error;
use crate::monitor::Breach;
use crate::outcome::{Cause, ChangeCounts, ErrorText, is_zero};
use crate::policy::Denial;
use crate::relay::Truncated;
use crate::rollback::WentBack;

/// What a person is told of an outcome.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ending {
    pub(crate) session: String,
    #[serde(flatten)]
    pub(crate) end: End,
    #[serde(default)]
    pub(crate) truncated: Truncated,
    #[serde(default)]
    pub(crate) unseen_executions: u64,
    /// All of it.
    #[serde(skip)]
    pub(crate) outcome: Value,
    /// Bytes of output that the server did not keep, because nobody took them.
    #[serde(skip)]
    pub(crate) lost: u64,
}

/// What a model is told of it as well.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct End {
    /// Why it ended.
    pub(crate) cause: Cause,
    /// The command's own; 125 to 127 where there was none; absent where a signal ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code: Option<i32>,
    /// The signal that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signal: Option<i32>,
    /// The limit that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exceeded: Option<Breach>,
    /// What was not permitted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) denials: Vec<Denial>,
    /// How often other things were not.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) more_denials: u64,
    /// What the session has changed of the project since it was made; the project itself is as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) changes: Option<ChangeCounts>,
    /// What happened at the limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) alerts: Vec<Alert>,
    /// The session went back by itself, as the profile says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rolled_back: Option<WentBack>,
    /// Why it did not, though the profile says that it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_rolled_back: Option<ErrorText>,
    /// What went wrong when there was no command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<ErrorText>,
}

impl Ending {
    pub(super) fn of(outcome: Value, lost: u64) -> Result<Self, Error> {
        let failed = |error: serde_json::Error| Error::System("reading the outcome", error.into());
        let ending: Self = serde_json::from_value(outcome.clone()).map_err(failed)?;
        Ok(Self { outcome, lost, ..ending })
    }
}

impl End {
    /// What the command has changed: of none that never ran anything is known.
    pub(crate) fn changed(&self) -> Option<ChangeCounts> {
        self.changes.filter(|_| self.error.is_none())
    }
}
