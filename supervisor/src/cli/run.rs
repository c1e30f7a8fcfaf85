//! `clearing run`: one command in a sandbox of its own.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use clearing_profiles::LayerPlace;

use super::command::{CommandArguments, conduct};
use super::talk::{failed, print, say_note};
use crate::error::Error;
use crate::exec::{DEFAULT_PROFILE, RunRequest, prepare};
use crate::plan::PlanView;
use crate::session::{CreateRequest, create, sessions};

/// Runs a command in a fresh sandbox over the project. What it changes stays in the sandbox.
///
/// Exits with the command's own code; 128+n when signal n ended it; 124 when the deadline did; 125
/// when clearing refused or could not set up; 126 when the program cannot be executed; 127 when it
/// was not found; 137 when it was killed at another limit than the deadline.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  clearing run -- npm test\n  clearing run --timeout 30s --memory 2G -w ~/app -- make check"
)]
pub(super) struct Arguments {
    /// The project; else the nearest ancestor with `.git`, else the working directory.
    #[arg(short, long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// A profile's name, or the path of one; else `default`.
    #[arg(short, long, value_name = "PROFILE")]
    profile: Option<String>,
    /// Where what the command writes is kept while it runs: memory has a bound, the disk has none.
    #[arg(long, value_name = "PLACE")]
    layer: Option<LayerArgument>,
    /// Keep the run as a session, which `clearing exec`, `diff` and `commit` go on with.
    #[arg(long, conflicts_with_all = ["layer", "plan"])]
    keep: bool,
    /// The session's name.
    #[arg(long, value_name = "NAME", requires = "keep")]
    name: Option<String>,
    /// Print what would be done, and do nothing.
    #[arg(long)]
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
    let keep = arguments.keep.then(|| arguments.name.clone());
    // Before anything is opened: a number that means nothing must not come to mean something of ours.
    let request = arguments.request();
    let told = if plan {
        request.and_then(|request| print_plan(&request))
    } else if let Some(name) = keep {
        request.and_then(|request| run_and_keep(request, name, json, result.as_deref()))
    } else {
        conduct(request, json, result.as_deref())
    };
    told.unwrap_or_else(|error| failed(&error, json))
}

/// A session that never had a command is not kept.
fn run_and_keep(
    request: RunRequest,
    name: Option<String>,
    json: bool,
    result: Option<&Path>,
) -> Result<ExitCode, Error> {
    let profile = request.profile.clone().unwrap_or_else(|| DEFAULT_PROFILE.to_owned());
    let (session, notes) = create(&CreateRequest { directory: request.directory.clone(), profile, name })?;
    notes.iter().for_each(|note| say_note(note));
    let id = session.record().id.to_string();
    drop(session);
    let told = conduct(Ok(RunRequest { session: Some(id.clone()), profile: None, ..request }), json, result);
    match &told {
        Ok(_) if !json => say_note(&format!("kept as session {id}")),
        Ok(_) => {}
        Err(_) => drop(sessions()?.remove(&id)?),
    }
    told
}

fn print_plan(request: &RunRequest) -> Result<ExitCode, Error> {
    let prepared = prepare(request)?;
    let looked = prepared.look_around();
    let text = serde_json::to_string_pretty(&PlanView::of(&prepared.plan));
    prepared.discard()?;
    looked?.iter().for_each(|note| say_note(note));
    let text = text.map_err(|error| Error::System("writing the plan", error.into()))?;
    print(&format!("{text}\n")).map(|()| ExitCode::SUCCESS)
}

impl Arguments {
    fn request(self) -> Result<RunRequest, Error> {
        let layer = self.layer.map(|layer| match layer {
            LayerArgument::Auto => LayerPlace::Auto,
            LayerArgument::Memory => LayerPlace::Memory,
            LayerArgument::Disk => LayerPlace::Disk,
            LayerArgument::Copy => LayerPlace::Copy,
        });
        let request = self.command.request()?;
        Ok(RunRequest { directory: self.workspace, profile: self.profile, layer, ..request })
    }
}
