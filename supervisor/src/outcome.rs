//! What became of a command: the authoritative answer, as JSON.

use std::borrow::Cow;

use clearing_profiles::Decision;
use clearing_rootfs::{Changes, Counts, PathText, SessionId};
use clearing_runtime::GuardReport;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alerts::Alert;
use crate::limits::LimitReports;
use crate::monitor::Breach;
use crate::policy::Denial;
use crate::promises::NotHeld;
use crate::protocol::outside;
use crate::relay::Truncated;
use crate::rollback::WentBack;
use crate::usage::UsageReport;

/// What a run tells with `--json` and `--result`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outcome {
    /// The session that the command was part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(crate) session: Option<SessionId>,
    /// Whether it was permitted to run: `allow`.
    #[schemars(with = "outside::Decision")]
    pub(crate) decision: Decision,
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
    /// What the tier does not hold of what is promised.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) promises_not_held: Vec<NotHeld>,
    /// What the command worked in.
    pub(crate) workspace: WorkspaceReport,
    /// The real directory.
    #[schemars(with = "outside::Path")]
    pub(crate) project: PathText,
    /// The project was seen to have changed since it was mounted, with processes alive that kept it from being
    /// looked at anew: what a command sees of such a change is anybody's guess.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) project_changed: bool,
    /// What became of each guard.
    #[schemars(with = "Vec<outside::Guard>")]
    pub(crate) guards: Vec<GuardReport>,
    /// What the command's view of the project has changed, in a session since that was made.
    pub(crate) changes: ChangeCounts,
    /// The session went back by itself, as its profile says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rolled_back: Option<WentBack>,
    /// Why it did not go back, though its profile says that it does: it is as the command left it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_rolled_back: Option<ErrorText>,
    /// Each limit that was set, and what held it.
    #[schemars(with = "std::collections::BTreeMap<String, crate::limits::LimitReport>")]
    pub(crate) limits: LimitReports,
    /// The limit that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exceeded: Option<Breach>,
    /// Processes that the kernel killed for want of memory, whether the command ended with them or not.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) oom_kills: u64,
    /// Processes and threads that the kernel refused to make, where it counts that.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) forks_refused: u64,
    /// Bytes of output that nobody got: beyond its limit, or not taken for a second after the end.
    #[schemars(with = "outside::Truncated")]
    pub(crate) truncated: Truncated,
    /// What happened at the limits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) alerts: Vec<Alert>,
    /// Programs that were not executed, where only named ones can be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) denials: Vec<Denial>,
    /// How often others were not.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) more_denials: u64,
    /// Executions that the host let nobody look at.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) unseen_executions: u64,
    /// Milliseconds in which a service manager made a place for a control group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) manager_ms: Option<u64>,
    /// Processor time, memory and more.
    pub(crate) usage: UsageReport,
    /// What went wrong when there was no command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<ErrorText>,
}

/// Why a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Cause {
    /// It exited.
    Exit,
    /// A signal ended it.
    Signal,
    /// The deadline passed.
    Timeout,
    /// All processor time was used.
    #[serde(rename = "cpu_time")]
    CpuTime,
    /// It had more memory than it may.
    Oom,
    /// It failed when there were as many processes as there may be.
    Pids,
    /// It was ended, or failed, when there was no room for what it writes.
    Disk,
    /// It said more than anybody wants to hear.
    Output,
    /// It was never started.
    Setup,
    /// The sandbox's init ended before it.
    Init,
    /// The rules on commands do not permit it.
    Policy,
    /// Whoever had asked for it had it ended.
    Cancelled,
}

/// What the host allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Tier {
    /// All namespaces.
    Namespaces,
    /// None: Landlock and the filter, over a copy of the project.
    Landlock,
}

/// What a command worked in.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkspaceReport {
    /// An overlay over the project, or a copy of it.
    pub(crate) kind: &'static str,
    /// Why it was a copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<&'static str>,
}

/// How many files changed.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangeCounts {
    /// New in the view.
    pub(crate) added: u64,
    /// Other content, mode, type or target.
    pub(crate) modified: u64,
    /// Gone from the view.
    pub(crate) deleted: u64,
    /// Directories of the view that could not be looked into.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) unread: u64,
}

/// An error for machines.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorText {
    /// Stable, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<Cow<'static, str>>,
    /// The message, causes included.
    pub(crate) message: String,
    /// A way forward.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

impl ChangeCounts {
    /// Counts.
    pub(crate) fn of(changes: &Changes) -> Self {
        Self::of_counts(changes.counts)
    }

    /// The same numbers.
    pub(crate) fn of_counts(counts: Counts) -> Self {
        Self {
            added: counts.added,
            modified: counts.modified,
            deleted: counts.deleted,
            unread: counts.unread,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
pub(crate) fn is_zero(number: &u64) -> bool {
    *number == 0
}
