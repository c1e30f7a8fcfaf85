//! What the rules on commands say to a request, before anything is made for it.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Instant;

use clearing_profiles::{Basis, Begins, Commands, Decision, Judgement, Ruling};
use clearing_rootfs::{PathText, Project, Session, SessionId, Store};
use serde::{Deserialize, Serialize};

use crate::audit::{self, Audit, Ended, ProfileMark, words};
use crate::error::Error;
use crate::exit_code::REFUSED;
use crate::outcome::{Cause, ErrorText};
use crate::question::Question;
use crate::request::RunRequest;
use crate::script::Lang;
use crate::terminal;

/// Asks whoever called. Nothing where nobody can be asked.
pub(crate) type Confirm<'a> = &'a dyn Fn(&str) -> Result<Option<bool>, Error>;

/// One thing that was not permitted.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Denial {
    /// What programs may tell it by.
    pub(crate) code: Cow<'static, str>,
    /// The command within the command, or the variable.
    pub(crate) want: String,
    /// The name of the process that wanted it, where that was seen while a command ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
    /// How often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<u64>,
    /// What the rule says, or what stands in place of one: `ask` where nobody said yes.
    #[schemars(with = "crate::protocol::outside::Decision")]
    pub(crate) decision: Decision,
    /// The rule, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<String>,
    /// Why.
    pub(crate) reason: String,
    /// The line of `[commands]` that would allow it, where one could.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<String>,
    /// A way forward.
    pub(crate) hint: String,
}

/// Why the kernel did not execute a program.
pub(crate) enum Unexecuted {
    /// A rule denies it.
    ByRule(Box<Ruling>),
    /// No rule names it; the line that would.
    Unnamed(String),
    /// It was not there when the command began.
    Made,
}

/// The outcome of a command that was not permitted to run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Denied {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<SessionId>,
    /// `deny`.
    pub(crate) decision: Decision,
    /// `policy`.
    pub(crate) cause: Cause,
    /// 125.
    pub(crate) exit_code: i32,
    pub(crate) wall_ms: u64,
    /// The real directory.
    pub(crate) project: PathText,
    /// What was not permitted.
    pub(crate) denials: Vec<Denial>,
}

/// Who asks for what, where.
pub(crate) struct Case<'a> {
    pub(crate) request: &'a RunRequest,
    pub(crate) commands: &'a Commands,
    pub(crate) profile: ProfileMark,
    pub(crate) session: Option<&'a Session>,
    pub(crate) project: &'a Project,
    pub(crate) begins: Begins,
    pub(crate) store: &'a Path,
    pub(crate) started: Instant,
}

/// The way forward where a person could not see what he is asked.
const TOO_LONG: &str =
    "it is too long to be asked about on this screen: have a rule allow it, or run what it does in parts";

/// Judges a command and the variables that are set for it. The bytes are those that will run.
pub(crate) fn judge(
    commands: &Commands,
    argv: &[impl AsRef<OsStr>],
    variables: impl IntoIterator<Item = impl AsRef<OsStr>>,
    begins: Begins,
) -> Judgement {
    let argv: Vec<&[u8]> = argv.iter().map(|word| word.as_ref().as_bytes()).collect();
    let of_command = commands.judge_at(&argv, begins);
    let of_variables = variables.into_iter().map(|name| commands.judge_variable(name.as_ref().as_bytes()));
    of_variables.fold(of_command, Judgement::stricter)
}

/// Whether what begins in `cwd` begins at the `top` of the project. Which directory a way with links or `..` in it leads
/// to, only the command will see.
pub(crate) fn begins(top: &Path, cwd: &Path) -> Begins {
    if cwd == top { Begins::AtTop } else { Begins::Elsewhere }
}

impl Case<'_> {
    /// What permits the command: the rule, where it is one; `Denied` where nothing does.
    pub(crate) fn decide(self, confirm: Confirm<'_>) -> Result<Option<String>, Error> {
        let names = self.request.environment.iter().map(|(name, _)| name);
        match judge(self.commands, &self.request.judged(), names, self.begins) {
            Judgement::Allow(rulings) => Ok(rulings.first().and_then(rule)),
            Judgement::Deny(ruling) => Err(self.denied(&[*ruling], None)?),
            // A person has said yes to this very command before.
            Judgement::Ask(rulings) if self.request.approved => Ok(rulings.first().and_then(rule)),
            Judgement::Ask(rulings) => self.ask(&rulings, confirm),
        }
    }

    fn ask(&self, rulings: &[Ruling], confirm: Confirm<'_>) -> Result<Option<String>, Error> {
        let judged = self.request.judged();
        let is_asked =
            |name: &OsStr| self.commands.judge_variable(name.as_bytes()).decision() != Decision::Allow;
        let variables =
            self.request.environment.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()));
        // Of a shell's it is in the command that is judged.
        let script = self.request.script.as_ref().filter(|script| script.lang != Lang::Bash);
        let question = Question {
            rulings,
            variables: variables.filter(|(name, _)| is_asked(name)).collect(),
            command: judged.iter().map(OsString::as_os_str).collect(),
            script: script.map(|script| OsStr::from_bytes(&script.code)),
            directory: Some(self.project.cwd.as_path()).filter(|_| self.begins == Begins::Elsewhere),
        };
        let Some(question) = question.text(terminal::size(io::stdin().as_fd())) else {
            let way = io::stdin().is_terminal().then_some(TOO_LONG);
            return Err(self.denied(rulings, way)?);
        };
        match confirm(&question)? {
            Some(true) => Ok(Some("whoever asked for it was asked, and said yes".to_owned())),
            Some(false) | None => Err(self.denied(rulings, None)?),
        }
    }

    /// The answer, once it is recorded; with another way forward than is usual, if that is given.
    fn denied(&self, rulings: &[Ruling], way: Option<&str>) -> Result<Error, Error> {
        let mut denials: Vec<Denial> = rulings.iter().map(Denial::of).collect();
        if let Some(way) = way {
            denials.iter_mut().for_each(|denial| way.clone_into(&mut denial.hint));
        }
        let asked = match self.session {
            Some(session) => audit::Decision::on("exec", session.record()),
            None => audit::Decision::asked("run"),
        };
        let decision = audit::Decision {
            decision: Decision::Deny.word(),
            rule: denials.first().map(Denial::ground),
            project: Some(PathText(self.project.root.clone())),
            profile: Some(self.profile.clone()),
            argv: words(self.request.command.iter().map(|word| word.as_bytes())),
            environment: words(self.request.environment.iter().map(|(name, _)| name.as_bytes())),
            detail: self.request.mark(),
            ..asked
        };
        let denied = Denied {
            session: self.session.map(|session| session.record().id.clone()),
            decision: Decision::Deny,
            cause: Cause::Policy,
            exit_code: i32::from(REFUSED),
            wall_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            project: PathText(self.project.root.clone()),
            denials,
        };
        let store = Store::open(self.store)?;
        Audit::at(store.path()).decide(&decision)?.end(&Ended::denied())?;
        Ok(Error::Denied(Box::new(denied)))
    }
}

impl Denial {
    pub(crate) fn of(ruling: &Ruling) -> Self {
        Self {
            code: "CLR-POLICY-CMD".into(),
            want: ruling.segment.clone(),
            by: None,
            times: None,
            decision: ruling.decision,
            rule: rule(ruling),
            reason: ruling.reason().to_owned(),
            line: ruling.line.clone(),
            hint: hint(ruling),
        }
    }

    /// Of a program that a command wanted to start, and the kernel did not execute.
    pub(crate) fn of_program(want: String, by: &str, why: &Unexecuted) -> Self {
        let (ruling, line) = match why {
            Unexecuted::ByRule(ruling) => (Some(&**ruling), None),
            Unexecuted::Unnamed(line) => (None, Some(line.clone())),
            Unexecuted::Made => (None, None),
        };
        let (reason, hint) = match why {
            Unexecuted::ByRule(ruling) => (ruling.reason(), hint(ruling)),
            Unexecuted::Unnamed(line) => ("no rule names it, and `enforce` is set", way_by(line)),
            Unexecuted::Made => {
                let way = "have a program that a rule names read it, as `sh FILE`, or run it after a commit";
                ("the command made it, and `enforce` is set", way.to_owned())
            }
        };
        Self {
            code: "CLR-POLICY-CMD".into(),
            want,
            by: Some(by.to_owned()),
            times: Some(1),
            decision: Decision::Deny,
            rule: ruling.and_then(rule),
            reason: reason.to_owned(),
            line,
            hint,
        }
    }

    /// The same path was asked for once more. Another one that leads there is part of the same search.
    pub(crate) fn again(&mut self, want: &str) {
        if self.want == want {
            self.times = self.times.map(|times| times + 1);
        }
    }

    /// Rule and reason in a line.
    fn ground(&self) -> String {
        match &self.rule {
            Some(rule) => format!("{rule}: {}", self.reason),
            None => self.reason.clone(),
        }
    }

    /// For a person.
    pub(crate) fn text(&self) -> String {
        let want = &self.want;
        if let (Some(by), Some(times)) = (&self.by, self.times) {
            let often = if times == 1 { String::new() } else { format!(", {times} times") };
            return format!("`{want}` was not executed for `{by}`{often}: {}", self.ground());
        }
        match self.decision {
            Decision::Ask => format!("`{want}` has to be confirmed: {}", self.ground()),
            _ => format!("`{want}` is not permitted: {}", self.ground()),
        }
    }
}

impl Denied {
    /// The same as an error, which it is for whoever only plans.
    pub(crate) fn text(&self) -> ErrorText {
        ErrorText {
            code: Some("CLR-POLICY-CMD".into()),
            message: self.message(),
            hint: self.denials.first().map(|denial| denial.hint.clone()),
        }
    }

    pub(crate) fn message(&self) -> String {
        let texts: Vec<String> = self.denials.iter().map(Denial::text).collect();
        texts.join("\n")
    }
}

/// The rule as it stands in `rules`.
pub(crate) fn rule(ruling: &Ruling) -> Option<String> {
    match &ruling.basis {
        Basis::Rule(rule) => Some(rule.text()),
        Basis::NoRule | Basis::Elsewhere | Basis::Shell | Basis::Undecided(_) => None,
    }
}

fn hint(ruling: &Ruling) -> String {
    let asked = match ruling.decision {
        Decision::Ask => "call it from a terminal to be asked; `--yes` does not answer for you. ",
        Decision::Allow | Decision::Deny => "",
    };
    let way = match &ruling.line {
        Some(line) => way_by(line),
        None if ruling.basis == Basis::Elsewhere => {
            "begin it at the top of the project, or have a rule name its program by an absolute path"
                .to_owned()
        }
        None if rule(ruling).is_some() => "only a profile without that rule allows it".to_owned(),
        None => "leave it out: no rule on commands allows it".to_owned(),
    };
    format!("{asked}{way}")
}

fn way_by(line: &str) -> String {
    format!("in [commands] of a profile of yours this would allow it: {line}")
}
