//! `clearing policy`: what is permitted, before anything runs.

mod check;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

/// Tells what is permitted, before anything runs.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Show(Box<show::Arguments>),
    Check(check::Arguments),
}

pub(super) fn main(arguments: Arguments) -> ExitCode {
    match arguments.verb {
        Verb::Show(arguments) => show::main(*arguments),
        Verb::Check(arguments) => check::main(&arguments),
    }
}
