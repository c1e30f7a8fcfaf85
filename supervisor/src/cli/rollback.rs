//! `clearing rollback`: a session goes back to a snapshot.

use std::process::ExitCode;

use clearing_rootfs::{RolledBack, Why};
use serde::Serialize;
use serde_json::json;

use super::talk::{emit_as, failed, say, say_note};
use crate::audit::{Decision, recorded};
use crate::client::Client;
use crate::error::Error;
use crate::session::{recovered, sessions};

/// Takes a session back to a snapshot.
///
/// What was there is kept in another one.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing rollback fix green\n\
    \x20 clearing rollback fix initial                     # the project as it is")]
pub(super) struct Arguments {
    /// The session, by id or name.
    #[arg(value_name = "ID")]
    session: String,
    /// The snapshot; `initial` is the project as it is.
    #[arg(value_name = "SNAPSHOT")]
    snapshot: String,
    /// Tell it as JSON.
    #[arg(long)]
    json: bool,
}

/// A rollback, for programs.
#[derive(Serialize)]
struct Told<'a> {
    snapshot: &'a str,
    backup: Option<&'a str>,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    rollback(arguments).map_or_else(|error| failed(&error, arguments.json), |()| ExitCode::SUCCESS)
}

fn rollback(arguments: &Arguments) -> Result<(), Error> {
    if let Some((mut server, record)) = Client::of_session(&arguments.session)? {
        let params = json!({ "session": record.id, "snapshot": arguments.snapshot });
        let back = server.call("snapshot/rollback", &params)?;
        tell(arguments, &arguments.snapshot, back["backup"].as_str());
        return Ok(());
    }
    let sessions = sessions()?;
    let mut session = sessions.open(&arguments.session, "rollback")?;
    session.recovered.iter().for_each(|past| say_note(&recovered(past)));
    let decision = Decision::on("rollback", session.record()).with(json!({ "snapshot": arguments.snapshot }));
    let back = || Ok(session.rollback(&arguments.snapshot, Why::BeforeRollback)?);
    let RolledBack { to, backup } = recorded(&decision, back)?;
    tell(arguments, &to, backup.as_deref());
    Ok(())
}

fn tell(arguments: &Arguments, to: &str, backup: Option<&str>) {
    if arguments.json {
        emit_as("rollback", &Told { snapshot: to, backup });
    } else {
        let kept = backup.map(|backup| format!("; what was there is kept as {backup}")).unwrap_or_default();
        say(&format!("clearing: back at {to}{kept}\n"));
    }
}
