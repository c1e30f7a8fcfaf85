//! The command line: one file a subcommand.

mod admission;
mod ask;
mod audit;
mod by_server;
mod color;
mod command;
mod commit;
mod create;
mod diff;
mod discard;
mod doctor;
mod exec;
mod findings;
mod fork;
mod gc;
mod history;
mod inspect;
mod limits;
mod ls;
mod mcp;
mod patch;
mod policy;
mod removal;
mod result_file;
mod rm;
mod rollback;
mod run;
mod run_commit;
mod schema;
mod script;
mod serve;
mod snapshot;
mod talk;
mod usage;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::progress;

/// Runs commands that nobody vouches for, in a sandbox of their own.
#[derive(Debug, Parser)]
#[command(name = "clearing", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::Arguments>),
    Create(create::Arguments),
    Exec(Box<exec::Arguments>),
    Ls(ls::Arguments),
    Inspect(inspect::Arguments),
    Diff(diff::Arguments),
    Findings(findings::Arguments),
    Snapshot(snapshot::Arguments),
    History(history::Arguments),
    Rollback(rollback::Arguments),
    Commit(commit::Arguments),
    Discard(discard::Arguments),
    Fork(fork::Arguments),
    Rm(rm::Arguments),
    Gc(gc::Arguments),
    Audit(audit::Arguments),
    Patch(patch::Arguments),
    Policy(policy::Arguments),
    Doctor(doctor::Arguments),
    Serve(serve::Arguments),
    Mcp(mcp::Arguments),
    Schema(schema::Arguments),
}

/// The command line with all that it takes, for completions and manual pages.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    // Before there is a sandbox whose init could not know them.
    clearing_runtime::register_functions(&crate::functions::FUNCTIONS);
    match Arguments::try_parse() {
        Ok(arguments) => arguments.command.main(),
        Err(error) => usage::refuse(&error),
    }
}

impl Command {
    fn main(self) -> ExitCode {
        if !usage::is_json_asked_for() {
            progress::watch();
        }
        // What a crash left comes first, whatever is asked for.
        crate::commit::recover().iter().for_each(|past| talk::say_note(past));
        match self {
            Self::Run(arguments) => run::main(*arguments),
            Self::Create(arguments) => create::main(&arguments),
            Self::Exec(arguments) => exec::main(*arguments),
            Self::Ls(arguments) => ls::main(&arguments),
            Self::Inspect(arguments) => inspect::main(&arguments),
            Self::Diff(arguments) => diff::main(&arguments),
            Self::Findings(arguments) => findings::main(&arguments),
            Self::Snapshot(arguments) => snapshot::main(&arguments),
            Self::History(arguments) => history::main(&arguments),
            Self::Rollback(arguments) => rollback::main(&arguments),
            Self::Commit(arguments) => commit::main(&arguments),
            Self::Discard(arguments) => discard::main(&arguments),
            Self::Fork(arguments) => fork::main(&arguments),
            Self::Rm(arguments) => rm::main(&arguments),
            Self::Gc(arguments) => gc::main(&arguments),
            Self::Audit(arguments) => audit::main(&arguments),
            Self::Patch(arguments) => patch::main(arguments),
            Self::Policy(arguments) => policy::main(arguments),
            Self::Doctor(arguments) => doctor::main(&arguments),
            Self::Serve(arguments) => serve::main(arguments),
            Self::Mcp(arguments) => mcp::main(&arguments),
            Self::Schema(arguments) => schema::main(&arguments),
        }
    }
}
