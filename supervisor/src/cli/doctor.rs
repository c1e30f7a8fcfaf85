//! `clearing doctor`: what this host offers.

use std::process::ExitCode;

/// Says what this host offers, what is missing, and what to do.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn main(_arguments: &Arguments) -> ExitCode {
    ExitCode::FAILURE
}
