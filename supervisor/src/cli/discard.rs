//! `clearing discard`: a session gives up what it changed.

use std::process::ExitCode;

use clearing_rootfs::{RolledBack, Why};
use serde::Serialize;
use serde_json::json;

use super::ask::AskArguments;
use super::talk::{emit_as, failed, say, say_note};
use crate::audit::{Decision, recorded};
use crate::client::Client;
use crate::error::Error;
use crate::session::{recovered, sessions};

/// Gives up all that a session changed: it shows the project as it is.
///
/// What was there is kept in a snapshot.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing discard fix --yes")]
pub(super) struct Arguments {
    /// The session, by id or name.
    #[arg(value_name = "ID")]
    session: String,
    /// Tell it as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ask: AskArguments,
}

const QUESTION: &str = "Give up all that the session changed?";

/// What became of it, for programs.
#[derive(Serialize)]
struct Told<'a> {
    discarded: bool,
    backup: Option<&'a str>,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    discard(arguments).map_or_else(|error| failed(&error, arguments.json), |()| ExitCode::SUCCESS)
}

fn discard(arguments: &Arguments) -> Result<(), Error> {
    if let Some((mut server, record)) = Client::of_session(&arguments.session)? {
        if !arguments.ask.confirm(QUESTION)? {
            tell(arguments, false, None);
            return Ok(());
        }
        let discarded = server.call("changes/discard", &json!({ "session": record.id }))?;
        tell(arguments, true, discarded["backup"].as_str());
        return Ok(());
    }
    let mut session = sessions()?.open(&arguments.session, "discard")?;
    session.recovered.iter().for_each(|past| say_note(&recovered(past)));
    if !arguments.ask.confirm(QUESTION)? {
        tell(arguments, false, None);
        return Ok(());
    }
    let RolledBack { backup, .. } = recorded(&Decision::on("discard", session.record()), || {
        Ok(session.rollback("initial", Why::BeforeRollback)?)
    })?;
    tell(arguments, true, backup.as_deref());
    Ok(())
}

fn tell(arguments: &Arguments, discarded: bool, backup: Option<&str>) {
    if arguments.json {
        emit_as("discard", &Told { discarded, backup });
    } else if discarded {
        let kept = backup.map(|backup| format!("; what was there is kept as {backup}")).unwrap_or_default();
        say(&format!("clearing: discarded{kept}\n"));
    }
}
