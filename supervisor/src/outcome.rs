//! What became of a command: the authoritative answer, as JSON.

use clearing_rootfs::Changes;
use clearing_runtime::{GuardReport, Usage};
use serde::Serialize;

use crate::text::PathText;

/// What a run tells with `--json` and `--result`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outcome {
    /// Why the command ended.
    pub(crate) cause: Cause,
    /// The command's own code, or 125 to 127 when there was no command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code: Option<i32>,
    /// The signal that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signal: Option<i32>,
    /// Milliseconds from the request to the end.
    pub(crate) wall_ms: u64,
    /// What the host allowed.
    pub(crate) tier: Tier,
    /// The real directory.
    pub(crate) project: PathText,
    /// What became of each guard.
    pub(crate) guards: Vec<GuardReport>,
    /// What the command changed in its view of the project.
    pub(crate) changes: ChangeCounts,
    /// Processor time and memory.
    pub(crate) usage: Usage,
    /// What went wrong when there was no command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<ErrorText>,
}

/// Why a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Cause {
    /// It exited.
    Exit,
    /// A signal ended it.
    Signal,
    /// The deadline passed.
    Timeout,
    /// It was never started.
    Setup,
    /// The sandbox's init ended before it.
    Init,
}

/// What the host allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Tier {
    /// All namespaces.
    Namespaces,
}

/// How many files changed.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangeCounts {
    /// New in the view.
    pub(crate) added: u64,
    /// Other content, mode, type or target.
    pub(crate) modified: u64,
    /// Gone from the view.
    pub(crate) deleted: u64,
    /// Directories of the view that could not be looked into.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) unread: u64,
}

/// An error for machines.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorText {
    /// The message, causes included.
    pub(crate) message: String,
    /// A way forward.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

impl ChangeCounts {
    /// Counts.
    pub(crate) fn of(changes: &Changes) -> Self {
        let counts = changes.counts;
        Self {
            added: counts.added,
            modified: counts.modified,
            deleted: counts.deleted,
            unread: counts.unread,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
