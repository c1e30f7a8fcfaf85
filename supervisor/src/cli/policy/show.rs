//! `clearing policy show`: the whole permission, and what stated each value.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::command::PermissionArguments;
use crate::cli::talk::{emit_as, failed, print_data};
use crate::error::Error;
use crate::permission::{DEFAULT_PROFILE, Wanted, of_project};

/// Shows what a command would be permitted, as a profile, each value with where it comes from.
///
/// The profile, what the project's `.clearing/profile.toml` and the `CLEARING_…` variables narrow of it, and what
/// options change: as text it is a profile that permits the same.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing policy show -p python\n\
    \x20 clearing policy show --json --memory 1G")]
pub(in crate::cli) struct Arguments {
    /// The project.
    ///
    /// Else the nearest ancestor with `.git`, else the working directory.
    #[arg(short, long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// A profile's name, or the path of one.
    #[arg(short, long, value_name = "PROFILE", default_value = DEFAULT_PROFILE)]
    profile: String,
    /// Show it as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    permission: PermissionArguments,
}

pub(in crate::cli) fn main(arguments: Arguments) -> ExitCode {
    let json = arguments.json;
    show(arguments).map_or_else(|error| failed(&error, json), |()| ExitCode::SUCCESS)
}

fn show(arguments: Arguments) -> Result<(), Error> {
    let Arguments { workspace, profile, json, permission } = arguments;
    let (network, tier) = (permission.network(), permission.tier());
    let limits = permission.limits();
    let wanted = Wanted { profile: &profile, limits: &limits, layer: None, tier, network };
    let (host, project) = of_project(workspace.as_deref())?;
    let chosen = wanted.trace(&host, &project)?;
    if json {
        emit_as("policy", &chosen.shown());
        return Ok(());
    }
    print_data(chosen.to_toml())
}
