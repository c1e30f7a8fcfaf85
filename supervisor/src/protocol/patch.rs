//! Patches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bounds::Field::{Absent, Text};
use super::bounds::{BASE64, one_of};
use super::snapshot::ProcessesMode;

/// `patch/check`: what a patch would do to the session, and whether it would be applied.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = one_of(&[&[Text("text"), Absent("bytes")], &[Text("bytes"), Absent("text")]]))]
pub(crate) struct PatchCheck {
    pub(crate) session: String,
    /// The patch, as text.
    pub(crate) text: Option<String>,
    /// In base64, in place of `text`.
    #[schemars(regex(pattern = BASE64))]
    pub(crate) bytes: Option<String>,
    /// How many directories of each name are left out; else as git does.
    pub(crate) strip: Option<usize>,
    /// Takes hunks that have no lines around them, where they say and nowhere else.
    #[serde(default)]
    pub(crate) unidiff_zero: bool,
    /// Protected and kept names that it may touch.
    #[serde(default)]
    pub(crate) allow: Vec<String>,
}

/// `patch/apply`: applies it as a whole, or not at all.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = one_of(&[&[Text("text"), Absent("bytes")], &[Text("bytes"), Absent("text")]]))]
pub(crate) struct PatchApply {
    pub(crate) session: String,
    /// The patch, as text.
    pub(crate) text: Option<String>,
    /// In base64, in place of `text`.
    #[schemars(regex(pattern = BASE64))]
    pub(crate) bytes: Option<String>,
    /// How many directories of each name are left out; else as git does.
    pub(crate) strip: Option<usize>,
    /// Takes hunks that have no lines around them, where they say and nowhere else.
    #[serde(default)]
    pub(crate) unidiff_zero: bool,
    /// Protected and kept names that it may touch.
    #[serde(default)]
    pub(crate) allow: Vec<String>,
    #[serde(default)]
    pub(crate) processes: ProcessesMode,
}

/// The answer of both.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PatchTold {
    /// Whether it applies, and nothing forbids it.
    pub(crate) accepted: bool,
    /// Whether the session has it.
    pub(crate) applied: bool,
    /// `files`, `refused`: as `clearing patch --json` tells them.
    #[serde(flatten)]
    pub(crate) report: Value,
    pub(crate) statistics: std::collections::BTreeMap<String, u64>,
    /// `level` and `reasons`.
    pub(crate) risk: Value,
}
