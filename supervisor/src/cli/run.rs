//! `clearing run`: one command in a sandbox of its own.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use clearing_profiles::LayerPlace;

use super::ask::AskArguments;
use super::command::{CommandArguments, conduct};
use super::run_commit::{Afterwards, When};
use super::talk::{emit_as, failed, print_data, say_note};
use crate::error::Error;
use crate::exec::prepare;
use crate::plan::PlanView;
use crate::request::RunRequest;

/// Runs a command in a fresh sandbox over the project.
///
/// What it changes stays in the sandbox. Exits with the command's own code; 128+n when signal n ended it; 124 when the deadline did; 125
/// when clearing refused or could not set up; 126 when the program cannot be executed; 127 when it
/// was not found; 137 when it was killed at another limit than the deadline.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing run -- npm test\n  clearing run --lang python < analyse.py\n\
    \x20 clearing run --timeout 30s --memory 2G -w ~/app -- make check\n\
    \x20 clearing run --commit on-success -- sh -c 'make format && make test'\n\
    \x20 clearing run --json -- make test | tail -n 1      # the outcome\n\
    \x20 clearing run --plan -- make test                  # what it would be; nothing runs")]
pub(super) struct Arguments {
    /// The project.
    ///
    /// Else the nearest ancestor with `.git`, else the working directory.
    #[arg(short, long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// A profile's name, or the path of one; else `default`.
    #[arg(short, long, value_name = "PROFILE")]
    profile: Option<String>,
    /// Where what the command writes is kept while it runs: memory has a bound, the disk has none.
    #[arg(long, value_name = "PLACE", hide_short_help = true)]
    layer: Option<LayerArgument>,
    /// Keep the run as a session.
    ///
    /// `clearing exec`, `diff` and `commit` go on with it.
    #[arg(long, conflicts_with_all = ["layer", "plan"])]
    keep: bool,
    /// The session's name.
    #[arg(long, value_name = "NAME", requires = "keep", hide_short_help = true)]
    name: Option<String>,
    /// Land its changes: never, ask, on-success, always.
    ///
    /// In the project, when it has ended; `never` where nothing is said.
    #[arg(long, value_name = "WHEN", default_value = "never", conflicts_with = "layer")]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    commit: When,
    /// Let a protected name land; may be given more than once.
    #[arg(long, value_name = "NAME", requires = "commit", hide_short_help = true)]
    allow: Vec<String>,
    #[command(flatten)]
    ask: AskArguments,
    /// Print what would be done, and do nothing.
    #[arg(long, conflicts_with = "commit")]
    plan: bool,
    #[command(flatten)]
    command: CommandArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LayerArgument {
    Auto,
    Memory,
    Disk,
    Copy,
}

pub(super) fn main(arguments: Arguments) -> ExitCode {
    let (json, result, plan) = (arguments.command.json, arguments.command.result(), arguments.plan);
    let afterwards = arguments.afterwards();
    // Before anything is opened: a number that means nothing must not come to mean something of ours.
    let request = arguments.request();
    let told = if plan {
        request.and_then(|request| tell_plan(&request))
    } else if afterwards.needs_session() {
        request.and_then(|request| afterwards.run(request, json, result.as_deref()))
    } else {
        conduct(request, json, result.as_deref())
    };
    told.unwrap_or_else(|error| failed(&error, json))
}

fn tell_plan(request: &RunRequest) -> Result<ExitCode, Error> {
    let prepared = prepare(request)?;
    let looked = prepared.look_around();
    let plan = serde_json::to_value(PlanView::of(&prepared.plan));
    prepared.discard()?;
    looked?.iter().for_each(|note| say_note(note));
    let unwritten = |error: serde_json::Error| Error::System("writing the plan", error.into());
    let plan = plan.map_err(unwritten)?;
    if request.json {
        emit_as("plan", &plan);
        return Ok(ExitCode::SUCCESS);
    }
    let text = serde_json::to_string_pretty(&plan).map_err(unwritten)?;
    print_data(text + "\n").map(|()| ExitCode::SUCCESS)
}

impl Arguments {
    fn afterwards(&self) -> Afterwards {
        let (name, allow) = (self.name.clone(), self.allow.clone());
        Afterwards { keep: self.keep, name, commit: self.commit, allow, ask: self.ask }
    }

    fn request(self) -> Result<RunRequest, Error> {
        let layer = self.layer.map(|layer| match layer {
            LayerArgument::Auto => LayerPlace::Auto,
            LayerArgument::Memory => LayerPlace::Memory,
            LayerArgument::Disk => LayerPlace::Disk,
            LayerArgument::Copy => LayerPlace::Copy,
        });
        let script = self.command.read_script()?;
        let request = self.command.request(script)?;
        Ok(RunRequest { directory: self.workspace, profile: self.profile, layer, ..request })
    }
}
