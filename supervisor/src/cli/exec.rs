//! `clearing exec`: one more command in a session.

use std::process::ExitCode;

use super::command::{CommandArguments, conduct};
use super::talk::failed;
use crate::error::Error;
use crate::request::RunRequest;

/// Runs a command in a session, upon what the commands before it wrote.
///
/// Exits as `clearing run` does.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing exec fix -- npm test\n\
    \x20 clearing exec fix --timeout 10m --pids 64 -- make test")]
pub(super) struct Arguments {
    /// The session, by id or name.
    #[arg(value_name = "ID")]
    session: String,
    /// Another profile than the session's: its name, or its path.
    #[arg(short, long, value_name = "PROFILE")]
    profile: Option<String>,
    #[command(flatten)]
    command: CommandArguments,
}

pub(super) fn main(arguments: Arguments) -> ExitCode {
    let (json, result) = (arguments.command.json, arguments.command.result());
    conduct(arguments.request(), json, result.as_deref()).unwrap_or_else(|error| failed(&error, json))
}

impl Arguments {
    fn request(self) -> Result<RunRequest, Error> {
        let request = self.command.request()?;
        Ok(RunRequest { session: Some(self.session), profile: self.profile, ..request })
    }
}
