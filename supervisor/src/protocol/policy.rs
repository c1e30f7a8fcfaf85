//! What the rules say to a command.

use clearing_profiles::Decision;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds::Field::Text;
use super::bounds::{ABSOLUTE, NO_NUL, any_of};
use super::text::Word;

/// `policy/check`: the decision on a command that is not run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = any_of(&[&[Text("session")], &[Text("workspace")]]))]
pub(crate) struct PolicyCheck {
    /// Of the profile of this session.
    pub(crate) session: Option<String>,
    /// Of a profile, by name or absolute path, for `workspace`.
    pub(crate) profile: Option<String>,
    #[schemars(regex(pattern = ABSOLUTE))]
    pub(crate) workspace: Option<String>,
    #[schemars(length(min = 1))]
    pub(crate) argv: Vec<Word>,
    /// Where it would begin; as of `exec/start`.
    #[schemars(regex(pattern = NO_NUL))]
    pub(crate) cwd: Option<String>,
    /// Names of variables that would be set.
    #[serde(default)]
    pub(crate) env: Vec<String>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PolicyTold {
    #[schemars(with = "super::outside::Decision")]
    pub(crate) decision: Decision,
    pub(crate) rulings: Vec<RulingTold>,
}

/// What is decided of one command within a command.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RulingTold {
    /// The command, as far as it is known.
    pub(crate) segment: String,
    #[schemars(with = "super::outside::Decision")]
    pub(crate) decision: Decision,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<String>,
    pub(crate) reason: String,
    /// The line of `[commands]` that would allow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<String>,
}
