//! `clearing run --keep` and `--commit`: a run that is a session of one command.

use std::path::Path;
use std::process::ExitCode;

use clap::ValueEnum;
use clearing_rootfs::{Plan, Store};

use super::ask::AskArguments;
use super::command::conduct;
use super::commit::tell;
use super::talk::{say, say_note};
use crate::commit::{CommitOptions, of_session};
use crate::commit_report::CommitReport;
use crate::commit_text::would_land;
use crate::error::Error;
use crate::exit_code::REFUSED;
use crate::lost::what_is_lost;
use crate::permission::DEFAULT_PROFILE;
use crate::request::RunRequest;
use crate::session::{CreateRequest, changed_git, create, remove, sessions};

/// Whether what a run changed lands in the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// After somebody at the terminal has seen what would land.
    Ask,
    /// If the command exits with 0.
    OnSuccess,
    /// However the command ends.
    Always,
    /// Not at all.
    Never,
}

/// What becomes of a run.
#[derive(Debug)]
pub(super) struct Afterwards {
    pub(super) keep: bool,
    pub(super) name: Option<String>,
    pub(super) commit: When,
    pub(super) allow: Vec<String>,
    pub(super) ask: AskArguments,
}

/// What became of what was to land.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settled {
    /// All of it landed, or none was to.
    Whole,
    /// Something may not land, or the caller did not want it to.
    InPart,
    /// The project changed meanwhile.
    Refused,
}

impl Afterwards {
    /// Whether the run has to be a session for it.
    pub(super) fn needs_session(&self) -> bool {
        self.keep || self.commit != When::Never
    }

    /// Runs the command in a new session, and lands what is to land. What did not land is never lost: its
    /// session is kept.
    pub(super) fn run(
        &self,
        request: RunRequest,
        json: bool,
        result: Option<&Path>,
    ) -> Result<ExitCode, Error> {
        let profile = request.profile.clone().unwrap_or_else(|| DEFAULT_PROFILE.to_owned());
        let new = CreateRequest { directory: request.directory.clone(), profile, name: self.name.clone() };
        let (session, notes) = create(&new)?;
        notes.iter().for_each(|note| say_note(note));
        let id = session.record().id.to_string();
        drop(session);
        let request = RunRequest { session: Some(id.clone()), profile: None, ..request };
        let code = match conduct(Ok(request), json, result) {
            Ok(code) => code,
            Err(error) => return clear_up(&id, json).and(Err(error)),
        };
        let settled = self.commit(&id, code, json);
        if self.keep || !matches!(settled, Ok(Settled::Whole)) {
            tell_kept(&id, json);
        } else {
            remove(&sessions()?, &id, "rm")?;
        }
        let refused = settled? == Settled::Refused && code == ExitCode::SUCCESS;
        Ok(if refused { ExitCode::from(REFUSED) } else { code })
    }

    fn commit(&self, id: &str, code: ExitCode, json: bool) -> Result<Settled, Error> {
        match self.commit {
            When::Never => return Ok(Settled::Whole),
            When::OnSuccess if code != ExitCode::SUCCESS => return Ok(Settled::Whole),
            When::Ask | When::OnSuccess | When::Always => {}
        }
        let store = Store::open(&Store::default_path(&|name| std::env::var_os(name))?)?;
        let sessions = sessions()?;
        let session = sessions.open(id, "commit")?;
        let options = CommitOptions { allow: self.allow.clone(), ..CommitOptions::default() };
        let confirm = |plan: &Plan| self.confirm(plan);
        let committed = of_session(&store, &session, &options, &confirm)?;
        tell(&committed, json, false);
        let git = changed_git(&sessions, session.record())?;
        git.iter().for_each(|note| say_note(note));
        let plan = &committed.plan;
        let declined = committed.landed.is_none() && !plan.is_empty();
        Ok(if plan.is_refused() {
            Settled::Refused
        } else if declined || !plan.withheld.is_empty() || git.is_some() {
            Settled::InPart
        } else {
            Settled::Whole
        })
    }

    fn confirm(&self, plan: &Plan) -> Result<bool, Error> {
        if self.commit != When::Ask || plan.is_empty() {
            return Ok(true);
        }
        say(&would_land(&CommitReport::of_plan(plan, None)));
        self.ask.confirm("Land this in the project?")
    }
}

/// Removes a session whose command has no outcome, unless it had begun to change something.
fn clear_up(id: &str, json: bool) -> Result<(), Error> {
    let sessions = sessions()?;
    if what_is_lost(&sessions, id)?.changes > 0 {
        tell_kept(id, json);
        return Ok(());
    }
    remove(&sessions, id, "rm")
}

fn tell_kept(id: &str, json: bool) {
    if !json {
        say_note(&format!("kept as session {id}"));
    }
}
