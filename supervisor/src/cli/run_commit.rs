//! `clearing run --keep` and `--commit`: a run that is a session of one command.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;

use clap::ValueEnum;
use clearing_rootfs::{Plan, Store};

use super::ask::AskArguments;
use super::command::conduct;
use super::commit::tell;
use super::commit_text::would_land;
use super::talk::{say, say_note};
use crate::commit::{CommitOptions, of_session};
use crate::error::Error;
use crate::exec::{DEFAULT_PROFILE, RunRequest};
use crate::exit_code::REFUSED;
use crate::session::{CreateRequest, create, sessions};

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
}

impl Afterwards {
    /// Whether the run has to be a session for it.
    pub(super) fn needs_session(&self) -> bool {
        self.keep || self.commit != When::Never
    }

    /// Runs the command in a new session, and lands what is to land. What did not land though it should
    /// have is kept, and so is what nobody could be asked about.
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
            // A session that never had a command is not kept.
            Err(error) => return sessions()?.remove(&id).map_err(Error::from).and(Err(error)),
        };
        let settled = self.commit(&id, code, json);
        if self.keep || !matches!(settled, Ok(true)) {
            if !json {
                say_note(&format!("kept as session {id}"));
            }
        } else {
            sessions()?.remove(&id)?;
        }
        let refused = !settled? && code == ExitCode::SUCCESS;
        Ok(if refused { ExitCode::from(REFUSED) } else { code })
    }

    /// Whether all that should land has landed.
    fn commit(&self, id: &str, code: ExitCode, json: bool) -> Result<bool, Error> {
        match self.commit {
            When::Never => return Ok(true),
            When::OnSuccess if code != ExitCode::SUCCESS => return Ok(true),
            When::Ask if !io::stdin().is_terminal() => {
                say_note("there is no terminal to ask on, and nothing landed");
                return Ok(false);
            }
            When::Ask | When::OnSuccess | When::Always => {}
        }
        let store = Store::open(&Store::default_path(&|name| std::env::var_os(name))?)?;
        let session = sessions()?.open(id, "commit")?;
        let options = CommitOptions { allow: self.allow.clone(), ..CommitOptions::default() };
        let confirm = |plan: &Plan| self.confirm(plan);
        let committed = of_session(&store, &session, &options, &confirm)?;
        tell(&committed, json, false);
        // Who said no is done with it.
        Ok(!committed.plan.is_refused())
    }

    fn confirm(&self, plan: &Plan) -> Result<bool, Error> {
        if self.commit != When::Ask || plan.is_empty() {
            return Ok(true);
        }
        say(&would_land(plan));
        AskArguments::asked().confirm("Land this in the project?")
    }
}
