//! The command line: one file a subcommand.

mod admission;
mod command;
mod doctor;
mod limits;
mod result_file;
mod run;
mod talk;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::exit_code::REFUSED;

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
    Doctor(doctor::Arguments),
}

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(Arguments { command: Command::Run(arguments) }) => run::main(*arguments),
        Ok(Arguments { command: Command::Doctor(arguments) }) => doctor::main(&arguments),
        Err(error) => usage(&error),
    }
}

/// Help goes to standard output and is a success; anything else is refused as `run` refuses.
fn usage(error: &clap::Error) -> ExitCode {
    // Nothing can be told where there is nobody to read it.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(REFUSED) } else { ExitCode::SUCCESS }
}
