//! `clearing snapshot`: names the present state of a session.

use std::process::ExitCode;

use clearing_rootfs::Why;
use serde_json::json;

use super::by_server::not_there;
use super::talk::{emit_as, failed, print, say_note};
use crate::audit::{Decision, recorded};
use crate::client::Client;
use crate::error::Error;
use crate::session::{SnapshotView, recovered, sessions};

/// Names the present state of a session, to go back to or to fork.
///
/// It costs the same however large the project is.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing snapshot fix before-rewrite\n\
    \x20 clearing snapshot fix --sync                      # survives a power cut")]
pub(super) struct Arguments {
    /// The session, by id or name.
    #[arg(value_name = "ID")]
    session: String,
    /// The snapshot's name.
    #[arg(value_name = "LABEL")]
    label: Option<String>,
    /// Write all of the session to its disk first, so that a power cut loses nothing of it.
    #[arg(long)]
    sync: bool,
    /// Tell the snapshot as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    snapshot(arguments).map_or_else(|error| failed(&error, arguments.json), |()| ExitCode::SUCCESS)
}

fn snapshot(arguments: &Arguments) -> Result<(), Error> {
    if let Some((mut server, record)) = Client::of_session(&arguments.session)? {
        return by_server(arguments, &mut server, record.id.as_str());
    }
    let mut session = sessions()?.open(&arguments.session, "snapshot")?;
    session.recovered.iter().for_each(|past| say_note(&recovered(past)));
    let decision = Decision::on("snapshot", session.record()).with(json!({ "label": arguments.label }));
    let snapshot = recorded(&decision, || {
        if arguments.sync {
            session.sync()?;
        }
        Ok(session.snapshot(arguments.label.as_deref(), Why::Asked)?)
    })?;
    if arguments.json {
        emit_as("snapshot", &SnapshotView::of(&snapshot));
        return Ok(());
    }
    print(&format!("{}\n", snapshot.name))
}

/// The same of a session that a server holds.
fn by_server(arguments: &Arguments, server: &mut Client, id: &str) -> Result<(), Error> {
    if arguments.sync {
        return Err(not_there(
            "--sync",
            "`session/destroy` with `keep` ends the sandbox and keeps the session, which can be synced then",
        ));
    }
    let params = json!({ "session": id, "label": arguments.label });
    let made = server.call("snapshot/create", &params)?;
    if arguments.json {
        emit_as("snapshot", &json!({ "name": made["snapshot"], "made": made["made"], "why": made["why"] }));
        return Ok(());
    }
    print(&format!("{}\n", made["snapshot"].as_str().unwrap_or_default()))
}
