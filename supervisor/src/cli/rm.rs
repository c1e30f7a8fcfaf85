//! `clearing rm`: removes sessions.

use std::process::ExitCode;

use clearing_rootfs::Sessions;

use super::ask::AskArguments;
use super::talk::{failed, say_note};
use crate::error::Error;
use crate::lost::what_is_lost;
use crate::session::{self, sessions};

/// Removes sessions with all that was written in them.
///
/// The project stays as it is.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The sessions, by id or name.
    #[arg(value_name = "ID", required = true)]
    sessions: Vec<String>,
    #[command(flatten)]
    ask: AskArguments,
}

/// One that cannot be removed keeps no other one.
pub(super) fn main(arguments: &Arguments) -> ExitCode {
    let sessions = match sessions() {
        Ok(sessions) => sessions,
        Err(error) => return failed(&error, false),
    };
    let mut code = ExitCode::SUCCESS;
    for name in &arguments.sessions {
        if let Err(error) = remove(&sessions, name, arguments.ask) {
            code = failed(&error, false);
        }
    }
    code
}

fn remove(sessions: &Sessions, name: &str, ask: AskArguments) -> Result<(), Error> {
    let lost = what_is_lost(sessions, name)?;
    if lost.is_nothing() || ask.confirm(&format!("session {name} has {}; remove it?", lost.text()))? {
        session::remove(sessions, name, "rm")?;
    } else {
        say_note(&format!("session {name} stays"));
    }
    Ok(())
}
