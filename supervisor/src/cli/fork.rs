//! `clearing fork`: a second session that goes on from a state of the first.

use std::process::ExitCode;

use clearing_rootfs::{Record, Written};
use serde_json::json;

use super::talk::{emit_as, failed, print, say_note};
use crate::audit::{Decision, recorded};
use crate::client::Client;
use crate::error::Error;
use crate::session::{SessionView, recovered, sessions};

/// Makes a session that goes on from a state of another, and prints its id.
///
/// Nothing is copied: they share what was written until then, and neither sees what the other one writes
/// from now on.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing fork fix --name second-try\n\
    \x20 clearing fork fix --from green --json")]
pub(super) struct Arguments {
    /// The session, by id or name.
    #[arg(value_name = "ID")]
    session: String,
    /// The snapshot to go on from; else the present state.
    #[arg(long, value_name = "SNAPSHOT")]
    from: Option<String>,
    /// A name of your own for the new one.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Tell the new session as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    fork(arguments).map_or_else(|error| failed(&error, arguments.json), |()| ExitCode::SUCCESS)
}

fn fork(arguments: &Arguments) -> Result<(), Error> {
    let sessions = sessions()?;
    if let Some((mut server, record)) = Client::of_session(&arguments.session)? {
        let mut params = json!({ "session": record.id, "name": arguments.name });
        if let Some(from) = &arguments.from {
            params["from"] = from.as_str().into();
        }
        let forked = server.call("session/fork", &params)?;
        return tell(arguments, &sessions.read(forked["session"].as_str().unwrap_or_default())?);
    }
    let mut source = sessions.open(&arguments.session, "fork")?;
    source.recovered.iter().for_each(|past| say_note(&recovered(past)));
    let (from, name) = (arguments.from.as_deref(), arguments.name.as_deref());
    let decision = Decision::on("fork", source.record()).with(json!({ "from": from, "name": name }));
    let fork = recorded(&decision, || Ok(sessions.fork(&mut source, from, name)?))?;
    tell(arguments, fork.record())
}

fn tell(arguments: &Arguments, record: &Record) -> Result<(), Error> {
    if arguments.json {
        emit_as("session", &SessionView::of(record, Written::default()));
        return Ok(());
    }
    print(&format!("{}\n", record.id))
}
