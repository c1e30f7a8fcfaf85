//! Commands in a session.

use std::collections::BTreeMap;

use clearing_profiles::{LimitName, NetworkMode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds::Field::{self, Absent, Items, Text};
use super::bounds::{self, BASE64, EXEC_NAME, NO_NUL, VARIABLE, one_of};
use super::json::Json;
use super::text::{Amount, Code, Content, Word};
use crate::outcome::Outcome;
use crate::relay::Truncated;
use crate::script::Lang;

/// All limits by the names that they have in requests.
pub(crate) const LIMITS: [(&str, LimitName); 10] = [
    ("timeout", LimitName::Timeout),
    ("cpus", LimitName::Cpus),
    ("cpuTime", LimitName::CpuTime),
    ("memory", LimitName::Memory),
    ("processes", LimitName::Processes),
    ("disk", LimitName::Disk),
    ("inodes", LimitName::Inodes),
    ("output", LimitName::Output),
    ("fileSize", LimitName::FileSize),
    ("nofile", LimitName::Nofile),
];

/// So many bytes has the name of an exec at most.
pub(crate) const LONGEST_EXEC_NAME: usize = 128;

/// `exec/start`: runs a command. Without `yieldMs` the answer comes when it has ended.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = one_of(&[&[Items("argv"), Absent("lang"), Absent("code")], &[Text("lang"), Field::Content("code")]]))]
pub(crate) struct ExecStart {
    pub(crate) session: String,
    /// A name for it, unique in the session, of at most 128 bytes and without control characters; one is given where
    /// there is none.
    #[schemars(regex(pattern = EXEC_NAME))]
    pub(crate) exec: Option<String>,
    /// Program and arguments; with `code` the script's arguments alone.
    #[serde(default)]
    pub(crate) argv: Vec<Word>,
    /// What `code` is written in.
    pub(crate) lang: Option<Lang>,
    /// A program given as text, which the language's interpreter runs.
    pub(crate) code: Option<Code>,
    /// Where it begins: an absolute path inside, or one below the project.
    #[schemars(regex(pattern = NO_NUL))]
    pub(crate) cwd: Option<String>,
    /// Variables to set.
    #[serde(default)]
    #[schemars(extend("propertyNames" = { "pattern": VARIABLE }))]
    pub(crate) env: BTreeMap<String, Word>,
    /// How long the answer waits for the command's end: 0 answers at once. The command goes on.
    pub(crate) yield_ms: Option<u64>,
    /// How long the command may run.
    #[schemars(transform = bounds::timeout)]
    pub(crate) timeout_ms: Option<u64>,
    /// Another profile than the session's, for this command alone: a name, or the absolute path of a file. It may say
    /// something else of commands, variables, limits and output; all else a living sandbox has from the session's.
    #[schemars(regex(pattern = NO_NUL))]
    pub(crate) profile: Option<String>,
    /// The network that it is to have, which is the session's or refused.
    pub(crate) network: Option<Network>,
    /// Limits in place of the profile's: `memory`, `processes`, `output`, … as `clearing run` has them.
    #[serde(default)]
    #[schemars(schema_with = "bounds::limits")]
    pub(crate) limits: BTreeMap<String, Amount>,
    /// What the command reads.
    #[serde(default)]
    pub(crate) stdin: StdinMode,
    /// Gives it a terminal for all three streams; `stdin` is open then.
    pub(crate) terminal: Option<Size>,
    /// Whether output is told as it comes (the default), or only kept for `exec/read`.
    #[serde(default = "yes")]
    pub(crate) stream: bool,
}

fn yes() -> bool {
    true
}

/// A network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Network {
    /// A loopback of the sandbox's own and nothing else.
    None,
    /// The host's.
    Host,
}

impl Network {
    /// As profiles have it.
    pub(crate) fn mode(self) -> NetworkMode {
        match self {
            Self::None => NetworkMode::None,
            Self::Host => NetworkMode::Host,
        }
    }
}

/// Where standard input comes from.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum StdinMode {
    /// There is none: it reads the end at once.
    #[default]
    None,
    /// `exec/write`, until `exec/closeStdin`.
    Open,
}

/// Of a terminal. Rows or columns of 0 mean that nobody knows, as the kernel has it: programs take their default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Size {
    pub(crate) rows: u16,
    pub(crate) columns: u16,
}

/// What is known of an exec: the answer of `exec/start` and `exec/wait`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Finished {
    pub(crate) session: String,
    pub(crate) exec: String,
    pub(crate) state: ExecState,
    /// The command's own, or 125 to 127 when there was none; absent where a signal ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code: Option<i32>,
    /// What became of it: as `clearing run --json` tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Outcome>")]
    pub(crate) outcome: Option<Json>,
}

/// What an exec does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ExecState {
    /// It runs, or is about to.
    Running,
    /// It has ended, or never ran: the outcome says which.
    Exited,
}

/// `exec/wait`: the answer comes when it has ended, or when the time is over.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ExecWait {
    pub(crate) session: String,
    pub(crate) exec: String,
    /// How long the answer waits; for as long as it takes where it is absent.
    pub(crate) wait_ms: Option<u64>,
}

/// `exec/read`: what an exec has said, whether it was told already or not.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ExecRead {
    pub(crate) session: String,
    pub(crate) exec: String,
    /// The last event that is known; 0 is before the first.
    #[serde(default)]
    pub(crate) after_seq: u64,
    /// How long the answer waits for something new.
    #[serde(default)]
    pub(crate) wait_ms: u64,
    /// About so many bytes at most; at least one event comes.
    pub(crate) max_bytes: Option<u64>,
}

/// What an exec has said.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pieces {
    pub(crate) session: String,
    pub(crate) exec: String,
    pub(crate) state: ExecState,
    pub(crate) output: Vec<Piece>,
    /// What to ask for next, as `afterSeq`.
    pub(crate) next_seq: u64,
    /// Bytes between `afterSeq` and the first event here that were not kept.
    #[schemars(with = "super::outside::Truncated")]
    pub(crate) dropped: Truncated,
    /// Whether there will be no more.
    pub(crate) end: bool,
}

/// A piece of output.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Piece {
    pub(crate) seq: u64,
    pub(crate) stream: StreamName,
    #[serde(flatten)]
    pub(crate) content: Content<'static>,
}

/// Which stream; a terminal has `stdout` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum StreamName {
    Stdout,
    Stderr,
}

/// `exec/write`: standard input. The answer comes when the command's pipe has taken it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = one_of(&[&[Text("text"), Absent("bytes")], &[Text("bytes"), Absent("text")]]))]
pub(crate) struct ExecWrite {
    pub(crate) session: String,
    pub(crate) exec: String,
    /// UTF-8.
    pub(crate) text: Option<String>,
    /// In base64, in place of `text`.
    #[schemars(regex(pattern = BASE64))]
    pub(crate) bytes: Option<String>,
}

/// `exec/closeStdin`: its end, after what was written. A terminal is told its end-of-file character.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CloseStdin {
    pub(crate) session: String,
    pub(crate) exec: String,
}

/// `exec/resize`: another size for its terminal.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ExecResize {
    pub(crate) session: String,
    pub(crate) exec: String,
    pub(crate) rows: u16,
    pub(crate) columns: u16,
}

/// `exec/signal`: to the foreground group of its terminal, else to the group that it leads.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ExecSignal {
    pub(crate) session: String,
    pub(crate) exec: String,
    /// As `TERM` or `SIGTERM`.
    #[schemars(schema_with = "bounds::signal")]
    pub(crate) signal: String,
}

/// `exec/started`: a notification.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExecStarted<'a> {
    pub(crate) session: &'a str,
    pub(crate) exec: &'a str,
    pub(crate) seq: u64,
}

/// `exec/output`: a notification. Where a reader fell too far behind, one with `dropped` stands for what was not kept.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExecOutput<'a> {
    pub(crate) session: &'a str,
    pub(crate) exec: &'a str,
    pub(crate) seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<StreamName>,
    #[serde(flatten)]
    pub(crate) content: Content<'a>,
    /// Bytes that were not kept, up to `seq`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<super::outside::Truncated>")]
    pub(crate) dropped: Option<Truncated>,
}

/// `exec/exited`: a notification, after all output of the command.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExecExited<'a> {
    pub(crate) session: &'a str,
    pub(crate) exec: &'a str,
    pub(crate) seq: u64,
    #[schemars(with = "Outcome")]
    pub(crate) outcome: &'a Json,
}

/// `denial` and `alert`: notifications.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Denied<'a> {
    pub(crate) session: &'a str,
    pub(crate) exec: &'a str,
    pub(crate) seq: u64,
    #[serde(flatten)]
    pub(crate) what: serde_json::Value,
}
