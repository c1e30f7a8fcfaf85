//! `clearing serve`: holds sessions for another program.

use std::process::ExitCode;
use std::time::Duration;

use super::talk::failed;
use crate::error::Error;
use crate::host::umask;
use crate::server::{OnEof, Options, serve};
use crate::signals::survive_file_limits;

/// Holds sessions with their sandboxes for another program, which asks by JSON-RPC, one object a line.
///
/// Standard output is for answers alone; standard error is a log. When standard input is at its end, or on
/// SIGTERM or SIGINT, every sandbox ends; sessions that were not destroyed stay on disk, for `clearing diff` and
/// the like.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
        \x20 echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{}}' | clearing serve --stdio")]
pub(super) struct Arguments {
    /// Talk on standard input and output.
    #[arg(long, required = true)]
    stdio: bool,
    /// What becomes of commands when the client is no more. Where nobody reads their output either, they are ended.
    #[arg(long, value_name = "WHAT", default_value = "finish")]
    on_eof: OnEof,
    /// Give a session up that was not used for so long; it stays on disk.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    idle: Option<Duration>,
    /// Give a session up after so long, whatever runs in it.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    lifetime: Option<Duration>,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    run(arguments).map_or_else(|error| failed(&error, false), |()| ExitCode::SUCCESS)
}

fn run(arguments: &Arguments) -> Result<(), Error> {
    survive_file_limits();
    // Before anything is made.
    umask();
    let Arguments { stdio: _, on_eof, idle, lifetime } = arguments;
    serve(Options { on_eof: *on_eof, idle: *idle, lifetime: *lifetime })
}

fn duration(text: &str) -> Result<Duration, String> {
    clearing_profiles::parse_duration(text).map_err(|error| format!("{error} ({})", error.hint()))
}
