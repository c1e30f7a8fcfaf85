//! `clearing rm`: removes sessions.

use std::process::ExitCode;

use clearing_rootfs::Sessions;
use serde_json::json;

use super::ask::AskArguments;
use super::removal::Removal;
use super::talk::{failed, say_note};
use crate::client::Client;
use crate::error::Error;
use crate::lost::what_is_lost;
use crate::session::{self, sessions};

/// Removes sessions with all that was written in them.
///
/// The project stays as it is.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing rm other\n\
    \x20 clearing rm fix --yes")]
pub(super) struct Arguments {
    /// The sessions, by id or name.
    #[arg(value_name = "ID", required = true)]
    sessions: Vec<String>,
    /// Tell what became of each as a line of JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ask: AskArguments,
}

/// One that cannot be removed keeps no other one.
pub(super) fn main(arguments: &Arguments) -> ExitCode {
    let sessions = match sessions() {
        Ok(sessions) => sessions,
        Err(error) => return failed(&error, arguments.json),
    };
    let mut code = ExitCode::SUCCESS;
    for name in &arguments.sessions {
        if let Err(error) = remove(&sessions, name, arguments) {
            code = failed(&error, arguments.json);
        }
    }
    code
}

fn remove(sessions: &Sessions, name: &str, arguments: &Arguments) -> Result<(), Error> {
    let lost = what_is_lost(sessions, name)?;
    let question = || format!("session {name} has {}; remove it?", lost.text());
    let goes = lost.is_nothing() || arguments.ask.confirm(&question())?;
    let record = sessions.read(name).ok();
    if goes {
        match Client::of_session(name) {
            Ok(Some((mut server, record))) => {
                server.call("session/destroy", &json!({ "session": record.id })).map(drop)?;
            }
            // One whose record is damaged is removed as well.
            Ok(None) | Err(_) => session::remove(sessions, name, "rm")?,
        }
    }
    if arguments.json {
        let id = record.as_ref().map_or(name, |record| record.id.as_str());
        Removal::of_named(id, lost).tell(goes);
    } else if !goes {
        say_note(&format!("session {name} stays"));
    }
    Ok(())
}
