//! What tools tell: data in the form that their schemas give, and the same for a model to read.

use clearing_profiles::LimitName;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::alerts::{Alert, amount, name};
use crate::client::End;
use crate::monitor::Breach;
use crate::outcome::{Cause, ChangeCounts, ErrorText};
use crate::policy::Denial;
use crate::protocol::{ExecState, RulingTold, outside};
use crate::relay::Truncated;
use crate::rollback::{WentBack, not_gone_back};
use crate::text::line;

/// What a tool answers.
pub(super) struct Told {
    pub(super) structured: Value,
    /// Pieces of text. The first is ours alone: nothing that a command chose begins a line of it.
    pub(super) texts: Vec<String>,
    /// Nothing was done: clearing failed, or refused it.
    pub(super) is_error: bool,
}

impl Told {
    pub(super) fn new(what: &impl Serialize, text: String) -> Self {
        // Plain data: there is nothing in it that cannot be written.
        let structured = serde_json::to_value(what).unwrap_or_default();
        Self { structured, texts: vec![text], is_error: false }
    }

    /// The same with one text more.
    pub(super) fn and(mut self, text: String) -> Self {
        self.texts.push(text);
        self
    }
}

/// What is known of a command.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ran {
    /// What `exec_poll`, `exec_input` and `why` know it by.
    pub(super) exec: String,
    pub(super) state: ExecState,
    /// Of one that runs nothing of this is known.
    #[serde(flatten)]
    pub(super) end: Option<End>,
    /// Without colours; what else a terminal would obey, and what is no UTF-8, is shown by its number.
    pub(super) stdout: String,
    pub(super) stderr: String,
    /// Bytes of each stream that are left out above, where a line says so.
    #[schemars(with = "outside::Truncated")]
    pub(super) omitted: Truncated,
    /// What `exec_poll` would take as `afterSeq` for what comes next.
    pub(super) next_seq: u64,
}

/// What was said to a command.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Sent {
    pub(super) exec: String,
    /// Bytes that its input has taken.
    pub(super) written: usize,
    /// Whether its input has ended.
    pub(super) closed: bool,
    /// The signal that it got.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signal: Option<String>,
}

/// What was not permitted, and why.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Explained {
    /// The command that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exec: Option<String>,
    /// Why it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<Cause>,
    /// What was wanted, the rule that does not permit it, and the line of a profile that would.
    pub(super) denials: Vec<Denial>,
    /// The limit that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exceeded: Option<Breach>,
    /// What the rules say to each command in the command that was asked about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) rulings: Vec<RulingTold>,
    /// What else holds here, and refuses without a rule.
    pub(super) notes: Vec<String>,
}

impl Ran {
    /// Whether there was no command at all.
    fn never_ran(&self) -> bool {
        let cause = self.end.as_ref().map(|end| end.cause);
        matches!(cause, Some(Cause::Policy | Cause::Setup | Cause::Init))
    }

    /// With what is read of it: how it went first, then what it said.
    pub(super) fn told(self) -> Told {
        let mut told = Told::new(&self, self.summary());
        told.is_error = self.never_ran();
        for (stream, said) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !said.is_empty() {
                told = told.and(format!("{stream}:\n{}", said.strip_suffix('\n').unwrap_or(said)));
            }
        }
        told
    }

    /// How it went, in lines of ours.
    fn summary(&self) -> String {
        let exec = &self.exec;
        let mut lines = match &self.end {
            None => vec![format!(
                "still running: `exec_poll` of `{exec}` hears more, `exec_input` writes to it or sends a signal"
            )],
            Some(end) => end_lines(end),
        };
        if self.stdout.is_empty() && self.stderr.is_empty() && !self.never_ran() {
            lines.push("no output".into());
        }
        lines.iter().map(|one| line(one)).collect::<Vec<_>>().join("\n")
    }
}

fn end_lines(end: &End) -> Vec<String> {
    let mut lines = vec![end_line(end)];
    lines.extend(end.error.iter().flat_map(error_lines));
    lines.extend(end.denials.iter().flat_map(denial_lines));
    if end.more_denials > 0 {
        lines.push(format!("and {} more were not executed", end.more_denials));
    }
    let ended_at = end.exceeded.map(|breach| breach.limit);
    lines.extend(end.alerts.iter().filter(|alert| !alert.is_of(ended_at)).map(Alert::text));
    lines.extend(end.rolled_back.as_ref().map(WentBack::text));
    lines.extend(end.not_rolled_back.as_ref().map(|failed| not_gone_back(&failed.message)));
    if let Some(counts) = end.changes.filter(|counts| counts.added + counts.modified + counts.deleted > 0) {
        let ChangeCounts { added, modified, deleted, .. } = counts;
        lines.push(format!(
            "changed in the session so far: {added} added, {modified} modified, {deleted} deleted"
        ));
    }
    lines
}

fn end_line(end: &End) -> String {
    let code = end.exit_code.map(|code| format!(" (exit code {code})")).unwrap_or_default();
    match (end.cause, end.signal) {
        (Cause::Exit, _) => format!("exit code {}", end.exit_code.unwrap_or_default()),
        (Cause::Signal, Some(signal)) => format!("ended by signal {signal}"),
        (Cause::Policy, _) => format!("not run: the rules do not permit it{code}"),
        (Cause::Setup | Cause::Init, _) => format!("not run{code}"),
        (Cause::Cancelled, _) => "ended, as somebody asked for".into(),
        (_, _) => match end.exceeded {
            Some(Breach { limit: LimitName::Timeout, allowed, .. }) => {
                format!("ended at its deadline, after {}", amount(LimitName::Timeout, allowed))
            }
            Some(Breach { limit, allowed, used }) => {
                let (name, allowed, used) = (name(limit), amount(limit, allowed), amount(limit, used));
                format!("ended at a limit: {name}, {used} of {allowed}; the user's profile sets it{code}")
            }
            None => format!("ended{code}"),
        },
    }
}

fn error_lines(error: &ErrorText) -> Vec<String> {
    let hint = error.hint.iter().map(|hint| format!("hint: {hint}"));
    std::iter::once(error.message.clone()).chain(hint).collect()
}

/// What was wanted and why it was not permitted, and the line that would permit it.
pub(super) fn denial_lines(denial: &Denial) -> Vec<String> {
    let text = format!("refused ({}): {}", denial.code, denial.text());
    let line =
        denial.line.iter().map(|line| format!("  the user can allow it in [commands] of a profile: {line}"));
    let hint = format!("  {}", denial.hint);
    let hint = denial.line.is_none().then_some(hint);
    std::iter::once(text).chain(line).chain(hint).collect()
}
