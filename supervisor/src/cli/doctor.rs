//! `clearing doctor`: what this host offers.

mod diagnosis;
mod kernel;
mod table;

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::host::Host;
use diagnosis::Diagnosis;

/// Says what this host offers, what is missing, and what to do.
///
/// Everything is found out by doing it, in processes that leave nothing. Exits with 0 if `clearing
/// run` works here with the default profile, else with 1.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    let diagnosis = Diagnosis::of(&Host::of_caller());
    let text = if arguments.json { json(&diagnosis) } else { table::render(&diagnosis) };
    let told = writeln!(io::stdout(), "{text}");
    if diagnosis.works && told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A diagnosis has no maps with odd keys and no numbers that JSON lacks, so this cannot fail.
fn json(diagnosis: &Diagnosis) -> String {
    serde_json::to_string(diagnosis).unwrap_or_default()
}
