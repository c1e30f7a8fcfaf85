//! What was refused, for whoever asks why.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use clearing_profiles::{Decision, NetworkMode};
use serde_json::json;

use super::arguments::Why;
use super::run::{Answer, map, read};
use super::session::Desk;
use super::told::{Explained, Told, denial_lines};
use crate::alerts::{amount, name};
use crate::client::{End, Ending};
use crate::monitor::Breach;
use crate::outcome::Cause;
use crate::policy::Denial;
use crate::protocol::{Fault, RulingTold};
use crate::text::line;

/// The last commands that were refused something, or ended otherwise than by themselves.
pub(super) struct Memory {
    network: NetworkMode,
    last: Mutex<VecDeque<Past>>,
}

#[derive(Clone)]
struct Past {
    exec: String,
    cause: Cause,
    denials: Vec<Denial>,
    exceeded: Option<Breach>,
    error: Option<String>,
}

/// So many.
const REMEMBERED: usize = 32;

/// Where no command is asked about.
const NOTHING: &str = "no rule refused anything to a command whose end was told here, and none reached a limit; `exec` names \
                       one that was not told";

/// The answer of `policy/check`.
#[derive(serde::Deserialize)]
struct Checked {
    decision: Decision,
    rulings: Vec<RulingTold>,
}

impl Memory {
    pub(super) fn new(network: NetworkMode) -> Self {
        Self { network, last: Mutex::default() }
    }

    /// Keeps what there is to explain of a command.
    pub(super) fn remember(&self, exec: &str, end: &End) {
        let is_plain = matches!(end.cause, Cause::Exit | Cause::Signal | Cause::Cancelled);
        if is_plain && end.denials.is_empty() {
            return;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.retain(|past| past.exec != exec);
        last.truncate(REMEMBERED - 1);
        last.push_front(Past {
            exec: exec.to_owned(),
            cause: end.cause,
            denials: end.denials.clone(),
            exceeded: end.exceeded,
            error: end.error.as_ref().map(|error| error.message.clone()),
        });
    }

    /// Explains what was refused, or would be.
    pub(super) async fn why(&self, desk: &Desk, asked: Why) -> Result<Told, Fault> {
        match asked {
            Why { exec: Some(_), argv: Some(_) } => Err(Fault::params("one of `exec` and `argv` is wanted")),
            Why { exec: None, argv: Some(argv) } => {
                let params = map(json!({ "argv": argv }));
                let checked: Checked = read(&desk.ask("policy/check", params).await?)?;
                let head = format!("the rules say `{}`; the command was not run", checked.decision.word());
                let explained = Explained { rulings: checked.rulings, ..Explained::default() };
                Ok(self.told(explained, &head))
            }
            Why { exec: None, argv: None } => Ok(match self.found(None) {
                Some(past) => self.explained(past),
                None => self.told(Explained::default(), NOTHING),
            }),
            Why { exec: Some(exec), argv: None } => self.of_exec(desk, exec).await,
        }
    }

    /// Of one command, whether anybody has heard of its end or not.
    async fn of_exec(&self, desk: &Desk, exec: String) -> Result<Told, Fault> {
        if let Some(past) = self.found(Some(&exec)) {
            return Ok(self.explained(past));
        }
        let params = map(json!({ "exec": exec, "waitMs": 0 }));
        let Answer { outcome, .. } = read(&desk.ask("exec/wait", params).await?)?;
        let Some(Ending { end, .. }) = outcome else {
            let head = format!("exec `{exec}` runs; what it was refused is told when it has ended");
            return Ok(self.told(Explained { exec: Some(exec), ..Explained::default() }, &head));
        };
        self.remember(&exec, &end);
        Ok(self.found(Some(&exec)).map_or_else(
            || {
                let head = format!("of exec `{exec}`: no rule refused anything, and no limit was reached");
                let plain = Explained { exec: Some(exec), cause: Some(end.cause), ..Explained::default() };
                self.told(plain, &head)
            },
            |past| self.explained(past),
        ))
    }

    fn found(&self, exec: Option<&str>) -> Option<Past> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.iter().find(|past| exec.is_none_or(|exec| past.exec == exec)).cloned()
    }

    fn explained(&self, past: Past) -> Told {
        let head = match (&past.error, past.exceeded) {
            (Some(error), _) => format!("exec `{}` did not run: {error}", past.exec),
            (None, Some(Breach { limit, allowed, used })) => format!(
                "exec `{}` ended at a limit that the user's profile sets: {}, {} of {}",
                past.exec,
                name(limit),
                amount(limit, used),
                amount(limit, allowed)
            ),
            (None, None) => format!("of exec `{}`:", past.exec),
        };
        let Past { exec, cause, denials, exceeded, error: _ } = past;
        self.told(
            Explained { exec: Some(exec), cause: Some(cause), denials, exceeded, ..Explained::default() },
            &head,
        )
    }

    fn told(&self, explained: Explained, head: &str) -> Told {
        let explained = Explained { notes: notes(self.network), ..explained };
        let mut lines = vec![head.to_owned()];
        lines.extend(explained.denials.iter().flat_map(denial_lines));
        for ruling in &explained.rulings {
            let rule = ruling.rule.iter().map(|rule| format!(" by {rule}")).collect::<String>();
            lines.push(format!("{}: `{}`{rule}: {}", ruling.decision.word(), ruling.segment, ruling.reason));
            lines.extend(
                ruling
                    .line
                    .iter()
                    .map(|line| format!("  the user can allow it in [commands] of a profile: {line}")),
            );
        }
        lines.extend(explained.notes.iter().cloned());
        let text = lines.iter().map(|one| line(one)).collect::<Vec<_>>().join("\n");
        Told::new(&explained, text)
    }
}

/// What refuses without a rule, in words.
fn notes(network: NetworkMode) -> Vec<String> {
    let network = match network {
        NetworkMode::None => {
            "network: off. A connection, or a name that is looked up, fails whatever the program; only a loopback of \
             the sandbox's own is there"
        }
        NetworkMode::Host => "network: the host's, as the user's profile says",
    };
    let view = "files: what is outside of the project and of the tools shown is not there at all (ENOENT), or \
                read-only (EROFS, EACCES); secrets of the project are hidden";
    let calls = "system calls: what a sandbox needs not (mounts, namespaces, tracing others, devices) fails with EPERM or \
                 ENOSYS";
    [network, view, calls].map(str::to_owned).to_vec()
}
