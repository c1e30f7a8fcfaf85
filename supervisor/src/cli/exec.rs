//! `clearing exec`: one more command in a session.

use std::process::ExitCode;

use clearing_profiles::is_path;

use super::by_server::by_server;
use super::command::{CommandArguments, conduct};
use super::talk::failed;
use crate::client::{Asked, Client};
use crate::error::Error;
use crate::request::RunRequest;
use crate::script::Script;

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
    let json = arguments.command.json;
    exec(arguments).unwrap_or_else(|error| failed(&error, json))
}

fn exec(arguments: Arguments) -> Result<ExitCode, Error> {
    let (json, result) = (arguments.command.json, arguments.command.result());
    // Before a server is asked: it waits for nobody who is still typing.
    let script = arguments.command.read_script();
    match Client::of_session(&arguments.session) {
        Ok(Some((server, record))) => {
            let admission = arguments.command.admission();
            let asked = script.and_then(|script| arguments.through_server(record.id.to_string(), script));
            by_server(server, asked, admission, json, result.as_deref())
        }
        // What is wrong with the session is told as of any other.
        Ok(None) | Err(Error::Session(_)) => {
            let request = script.and_then(|script| arguments.request(script));
            conduct(request, json, result.as_deref())
        }
        Err(error) => Err(error),
    }
}

impl Arguments {
    fn request(self, script: Option<Script>) -> Result<RunRequest, Error> {
        let request = self.command.request(script)?;
        Ok(RunRequest { session: Some(self.session), profile: self.profile, ..request })
    }

    /// The same for the server that holds the session; what it could not do is refused.
    fn through_server(self, session: String, script: Option<Script>) -> Result<Asked, Error> {
        let profile = self.profile.map(from_here).transpose()?;
        Ok(Asked { profile, ..self.command.through_server(session, script)? })
    }
}

/// What means the same to a server, which works elsewhere: a path begins here.
fn from_here(profile: String) -> Result<String, Error> {
    if !is_path(&profile) {
        return Ok(profile);
    }
    let path = std::path::absolute(&profile).map_err(|error| Error::System("finding the profile", error))?;
    path.into_os_string().into_string().map_err(|_| {
        Error::Request("a server holds the session: the path of a profile is UTF-8 there".into())
    })
}
