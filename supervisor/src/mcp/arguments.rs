//! What tools take that is not what a method of the protocol takes.
//!
//! Whoever calls a tool is the one who is confined: nothing here gives more than the session's profile does.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::protocol::{ProcessesMode, Size};
use crate::script::Lang;

/// A command: one of `argv`, `shell` and `code`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Run {
    /// Program and arguments, which no shell looks at.
    pub(super) argv: Option<Vec<String>>,
    /// A command line for `sh -c`.
    pub(super) shell: Option<String>,
    /// A program's text, in the language that `lang` names; `argv` has its arguments.
    pub(super) code: Option<String>,
    /// What `code` is written in.
    pub(super) lang: Option<Lang>,
    /// Where it begins: a path below the project, or an absolute one inside. The project itself unless said.
    pub(super) cwd: Option<String>,
    /// Variables to set.
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    /// How long it may run. No longer than the profile lets it.
    pub(super) timeout_ms: Option<u64>,
    /// After so long the call is answered though the command still runs; `exec_poll` hears the rest. 50000 unless said,
    /// since many clients give a call up after a minute.
    pub(super) yield_ms: Option<u64>,
    /// Whether `exec_input` will write to its standard input; else that is empty.
    #[serde(default)]
    pub(super) input: bool,
    /// Gives it a terminal of this size, and with that an input.
    pub(super) terminal: Option<Size>,
    /// About so many bytes of each stream are told: the beginning and the end. 24576 unless said, 1048576 at most.
    pub(super) max_bytes: Option<u64>,
}

/// A command that is not waited for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Start {
    /// Program and arguments, which no shell looks at.
    argv: Option<Vec<String>>,
    /// A command line for `sh -c`.
    shell: Option<String>,
    /// A program's text, in the language that `lang` names; `argv` has its arguments.
    code: Option<String>,
    /// What `code` is written in.
    lang: Option<Lang>,
    /// Where it begins: a path below the project, or an absolute one inside. The project itself unless said.
    cwd: Option<String>,
    /// Variables to set.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// How long it may run. No longer than the profile lets it.
    timeout_ms: Option<u64>,
    /// Whether `exec_input` will write to its standard input; else that is empty.
    #[serde(default)]
    input: bool,
    /// Gives it a terminal of this size, and with that an input.
    terminal: Option<Size>,
}

impl From<Start> for Run {
    fn from(start: Start) -> Self {
        let Start { argv, shell, code, lang, cwd, env, timeout_ms, input, terminal } = start;
        let (yield_ms, max_bytes) = (Some(0), None);
        Self { argv, shell, code, lang, cwd, env, timeout_ms, yield_ms, input, terminal, max_bytes }
    }
}

/// What a command said since it was last asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Poll {
    /// As `run` or `exec_start` told it.
    pub(super) exec: String,
    /// How long to wait for its end, or for output where there is none yet. 5000 unless said.
    pub(super) wait_ms: Option<u64>,
    /// Tells again what came after this `nextSeq`; 0 is from the beginning. Else what was not told yet.
    pub(super) after_seq: Option<u64>,
    /// About so many bytes of each stream are told: the beginning and the end. 24576 unless said, 1048576 at most.
    pub(super) max_bytes: Option<u64>,
}

/// Something for a command that runs: at least one of `text`, `bytes`, `close` and `signal`, done in this order.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Input {
    /// As `run` or `exec_start` told it.
    pub(super) exec: String,
    /// Written to its standard input, as it is: end a line with `\n`.
    pub(super) text: Option<String>,
    /// The same in base64, in place of `text`.
    pub(super) bytes: Option<String>,
    /// Whether its input ends then.
    #[serde(default)]
    pub(super) close: bool,
    /// Sent to it: `INT`, `TERM`, `KILL`, …
    pub(super) signal: Option<String>,
}

/// What the session changed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Diff {
    /// The older side: a snapshot; `initial`, the project as it is, unless said.
    pub(super) from: Option<String>,
    /// The newer side: a snapshot; `@`, the present state, unless said.
    pub(super) to: Option<String>,
    /// Only these files and directories, as paths below the project.
    #[serde(default)]
    pub(super) paths: Vec<String>,
    /// Whether only names and numbers are told, and not the lines.
    #[serde(default)]
    pub(super) summary: bool,
    /// About so many bytes of the patch are told. 24576 unless said, 1048576 at most.
    pub(super) max_bytes: Option<u64>,
}

/// A patch to the session.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Patch {
    /// A unified diff, as `git diff` writes it.
    pub(super) text: String,
    /// Only tells whether it would be applied, and what it would do.
    #[serde(default)]
    pub(super) check: bool,
    /// How many directories of each name are left out; else as git does.
    pub(super) strip: Option<usize>,
    /// What becomes of commands that run: nothing is applied beside them unless they are stopped.
    #[serde(default)]
    pub(super) processes: ProcessesMode,
}

/// What lands in the real project.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Commit {
    /// Only tells what would land.
    #[serde(default)]
    pub(super) dry_run: bool,
    /// Only what these patterns match.
    #[serde(default)]
    pub(super) only: Vec<String>,
    /// Merge text that both the session and somebody outside changed.
    #[serde(default)]
    pub(super) merge: bool,
    /// What becomes of commands that run: nothing lands beside them unless they are stopped. Not with `dryRun`, which
    /// stops nothing.
    #[serde(default)]
    pub(super) processes: ProcessesMode,
}

/// What was not permitted, and why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Why {
    /// Of this command; of the last that was refused something, or ended at a limit, unless said.
    pub(super) exec: Option<String>,
    /// In place of that: what the rules say to this command, which is not run.
    pub(super) argv: Option<Vec<String>>,
}
