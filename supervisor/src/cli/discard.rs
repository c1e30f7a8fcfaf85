//! `clearing discard`: a session gives up what it changed.

use std::process::ExitCode;

use clearing_rootfs::{RolledBack, Why};

use super::ask::AskArguments;
use super::talk::{failed, say, say_note};
use crate::audit::{Decision, recorded};
use crate::error::Error;
use crate::session::{recovered, sessions};

/// Gives up all that a session changed: it shows the project as it is. What was there is kept in a snapshot.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The session, by id or name.
    #[arg(value_name = "ID")]
    session: String,
    #[command(flatten)]
    ask: AskArguments,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    discard(arguments).map_or_else(|error| failed(&error, false), |()| ExitCode::SUCCESS)
}

fn discard(arguments: &Arguments) -> Result<(), Error> {
    let mut session = sessions()?.open(&arguments.session, "discard")?;
    session.recovered.iter().for_each(|past| say_note(&recovered(past)));
    if !arguments.ask.confirm("Give up all that the session changed?")? {
        return Ok(());
    }
    let RolledBack { backup, .. } = recorded(&Decision::on("discard", session.record()), || {
        Ok(session.rollback("initial", Why::BeforeRollback)?)
    })?;
    let kept = backup.map(|backup| format!("; what was there is kept as {backup}")).unwrap_or_default();
    say(&format!("clearing: discarded{kept}\n"));
    Ok(())
}
