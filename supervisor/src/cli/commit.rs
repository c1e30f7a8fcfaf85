//! `clearing commit`: what a session changed lands in the project.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clearing_rootfs::{Plan, Store};
use serde_json::json;

use super::ask::AskArguments;
use super::talk::{emit, failed, say, say_note};
use crate::client::Client;
use crate::commit::{CommitOptions, Committed, of_session};
use crate::commit_report::CommitReport;
use crate::commit_text;
use crate::error::Error;
use crate::exit_code::CONFLICT;
use crate::session::{changed_git, recovered, sessions};

/// Lands what a session changed in the project.
///
/// All of it, or nothing if the project changed the same meanwhile. Devices, pipes, links that lead out, repositories and settings that run by themselves stay behind and are
/// named. Inside a `.git` that the project has, the files of git's own work land, hooks and configuration do
/// not. Exits with 0 when it landed, 1 when the project changed what the session changed, 125 when it was
/// refused.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing commit fix --dry-run\n\
    \x20 clearing commit fix --only 'src/**' --merge")]
pub(super) struct Arguments {
    /// The session, by id or name.
    #[arg(value_name = "ID")]
    session: String,
    /// Tell what would land, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Land only what this pattern matches, and what lies in it; may be given more than once.
    #[arg(long, value_name = "GLOB")]
    only: Vec<String>,
    /// Merge text that both sides changed; what cannot be merged stays as the project has it.
    #[arg(long)]
    merge: bool,
    /// Let a protected name land; may be given more than once.
    #[arg(long, value_name = "NAME")]
    allow: Vec<String>,
    /// Tell it as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ask: AskArguments,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    commit(arguments).unwrap_or_else(|error| failed(&error, arguments.json))
}

fn commit(arguments: &Arguments) -> Result<ExitCode, Error> {
    if let Some((server, record)) = Client::of_session(&arguments.session)? {
        return arguments.by_server(server, record.id.as_str());
    }
    let sessions = sessions()?;
    let session = sessions.open(&arguments.session, "commit")?;
    session.recovered.iter().for_each(|past| say_note(&recovered(past)));
    changed_git(&sessions, session.record())?.iter().for_each(|note| say_note(note));
    let store = Store::open(&Store::default_path(&|name| std::env::var_os(name))?)?;
    let options = CommitOptions {
        only: arguments.only.clone(),
        merge: arguments.merge,
        allow: arguments.allow.clone(),
    };
    let confirm = |plan: &Plan| {
        if arguments.dry_run { Ok(false) } else { arguments.may_land(&CommitReport::of_plan(plan, None)) }
    };
    let committed = of_session(&store, &session, &options, &confirm)?;
    tell(&committed, arguments.json, arguments.dry_run);
    Ok(code(&CommitReport::of(&committed)))
}

fn code(report: &CommitReport) -> ExitCode {
    ExitCode::from(if report.conflicts.is_empty() { 0 } else { CONFLICT })
}

impl Arguments {
    /// Has the server land it that holds the session.
    fn by_server(&self, mut server: Client, id: &str) -> Result<ExitCode, Error> {
        let mut ask = |dry_run: bool| -> Result<CommitReport, Error> {
            let params = json!({
                "session": id,
                "only": self.only,
                "merge": self.merge,
                "allow": self.allow,
                "dryRun": dry_run,
            });
            let report = serde_json::from_value(server.call("changes/commit", &params)?);
            report.map_err(|error| Error::System("reading what the server says", error.into()))
        };
        let asks = !self.dry_run && io::stdin().is_terminal();
        let planned = asks.then(|| ask(true)).transpose()?;
        let report = match planned {
            Some(planned) if !self.may_land(&planned)? => planned,
            _ => ask(self.dry_run)?,
        };
        tell_report(&report, self.json, self.dry_run);
        Ok(code(&report))
    }

    /// Who is at a terminal is asked whether the rest may land without what stays behind.
    fn may_land(&self, plan: &CommitReport) -> Result<bool, Error> {
        if plan.withheld.is_empty() || plan.lands.is_empty() || !io::stdin().is_terminal() {
            return Ok(true);
        }
        say(&commit_text::withheld(plan));
        self.ask.confirm("Land the rest?")
    }
}

/// Tells what a commit came to.
pub(super) fn tell(committed: &Committed, json: bool, dry_run: bool) {
    tell_report(&CommitReport::of(committed), json, dry_run);
}

fn tell_report(report: &CommitReport, json: bool, dry_run: bool) {
    if json {
        emit(report);
    } else {
        say(&commit_text::block(report, dry_run));
    }
}
