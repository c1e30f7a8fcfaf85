//! `clearing audit`: what was decided and done, and whether the record of it is whole.

mod show;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

/// Reads the record of what was decided and done.
///
/// What was asked for, by whom, under which permission, and what came of it.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Show(show::Arguments),
    Verify(verify::Arguments),
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    match &arguments.verb {
        Verb::Show(arguments) => show::main(arguments),
        Verb::Verify(arguments) => verify::main(arguments),
    }
}
