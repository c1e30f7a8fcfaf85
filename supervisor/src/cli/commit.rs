//! `clearing commit`: what a session changed lands in the project.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clearing_rootfs::{Plan, Store};

use super::ask::AskArguments;
use super::commit_text;
use super::talk::{emit, failed, say, say_note};
use crate::commit::{CommitOptions, Committed, of_session};
use crate::commit_report::CommitReport;
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
    let confirm = |plan: &Plan| if arguments.dry_run { Ok(false) } else { arguments.may_land(plan) };
    let committed = of_session(&store, &session, &options, &confirm)?;
    tell(&committed, arguments.json, arguments.dry_run);
    let disputed = !committed.plan.conflicts.is_empty();
    Ok(ExitCode::from(if disputed { CONFLICT } else { 0 }))
}

impl Arguments {
    /// Who is at a terminal is asked whether the rest may land without what stays behind.
    fn may_land(&self, plan: &Plan) -> Result<bool, Error> {
        if plan.withheld.is_empty() || plan.is_empty() || !io::stdin().is_terminal() {
            return Ok(true);
        }
        say(&commit_text::withheld(plan));
        self.ask.confirm("Land the rest?")
    }
}

/// Tells what a commit came to.
pub(super) fn tell(committed: &Committed, json: bool, dry_run: bool) {
    if json {
        emit(&CommitReport::of(committed));
    } else {
        say(&commit_text::block(committed, dry_run));
    }
}
