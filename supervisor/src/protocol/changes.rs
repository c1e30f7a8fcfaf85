//! What a session changed of its project.

use clearing_rootfs::PathText;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::snapshot::ProcessesMode;

/// `changes/diff`: may be asked while commands run, and is of whatever they have written by then.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChangesDiff {
    pub(crate) session: String,
    /// The older side: a snapshot; `initial` is the project as it is.
    pub(crate) from: Option<String>,
    /// The newer side: a snapshot, or `@`, the present state.
    pub(crate) to: Option<String>,
    /// Only these files and directories, as paths below the project.
    #[serde(default)]
    pub(crate) paths: Vec<String>,
    /// Whether the text of the changes comes along, as git has it.
    #[serde(default)]
    pub(crate) patch: bool,
}

/// The answer of `changes/diff`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Diffed {
    pub(crate) changes: Vec<FileChange>,
    /// What git has no words for, and what could not be read.
    pub(crate) notes: Vec<String>,
    /// `git apply` takes it.
    #[serde(flatten)]
    pub(crate) patch: Option<super::text::Content<'static>>,
    /// Whether the text was cut at 8 MiB.
    pub(crate) truncated: bool,
}

/// A path that is not the same on both sides.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileChange {
    /// `added`, `modified`, `deleted`, `renamed` or `typeChanged`.
    pub(crate) status: &'static str,
    #[schemars(with = "super::outside::Path")]
    pub(crate) path: PathText,
    /// Where a renamed file was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<super::outside::Path>")]
    pub(crate) from: Option<PathText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) old: Option<FileSide>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) new: Option<FileSide>,
    /// Of text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lines: Option<LineCounts>,
}

/// One side of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FileSide {
    pub(crate) kind: &'static str,
    /// In octal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<String>,
    pub(crate) size: u64,
}

/// Lines of text.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LineCounts {
    pub(crate) added: u64,
    pub(crate) deleted: u64,
}

/// `changes/commit`: lands what the session changed in the project, all of it or nothing.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChangesCommit {
    pub(crate) session: String,
    /// Only what these patterns match.
    #[serde(default)]
    pub(crate) only: Vec<String>,
    /// Merge text that both sides changed.
    #[serde(default)]
    pub(crate) merge: bool,
    /// Protected names that may land.
    #[serde(default)]
    pub(crate) allow: Vec<String>,
    /// Tell what would land, and do nothing.
    #[serde(default)]
    pub(crate) dry_run: bool,
    #[serde(default)]
    pub(crate) processes: ProcessesMode,
}

/// `changes/discard`: the session shows the project as it is; what was there is kept in a snapshot.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChangesDiscard {
    pub(crate) session: String,
    #[serde(default)]
    pub(crate) processes: ProcessesMode,
}

/// The answer of `changes/discard`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Discarded {
    /// The snapshot that keeps what was there; `null` if nothing was.
    pub(crate) backup: Option<String>,
}
