//! `clearing doctor`: what this host offers.

mod diagnosis;
mod kernel;
mod table;

use std::process::ExitCode;

use self::diagnosis::Diagnosis;
use super::talk::{emit_as, failed, print};
use crate::host::Host;

/// Says what this host offers, what is missing, and what to do.
///
/// Everything is found out by doing it, in processes that leave nothing. Exits with 0 if `clearing
/// run` works here with the default profile, else with 1.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing doctor\n\
    \x20 clearing doctor --json")]
pub(super) struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    let diagnosis = Diagnosis::of(&Host::of_caller());
    if arguments.json {
        emit_as("diagnosis", &diagnosis);
    } else if let Err(error) = print(&format!("{}\n", table::render(&diagnosis))) {
        return failed(&error, false);
    }
    if diagnosis.works { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
