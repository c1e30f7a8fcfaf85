//! `clearing ls`: the sessions that there are.

use std::process::ExitCode;

use clearing_rootfs::{Listed, Record, Sessions};
use serde::Serialize;

use super::talk::{emit_as, failed, print};
use crate::error::Error;
use crate::session::{SessionView, State, sessions};
use crate::text::{bytes, printable, table};

/// Lists the sessions, oldest first.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing ls\n\
    \x20 clearing ls --json | grep '\"state\":\"idle\"'")]
pub(super) struct Arguments {
    /// One JSON object a session.
    #[arg(long)]
    json: bool,
}

/// A session that cannot be read, for programs.
#[derive(Serialize)]
struct Unreadable<'a> {
    session: &'a clearing_rootfs::SessionId,
    error: crate::outcome::ErrorText,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    list(arguments.json).unwrap_or_else(|error| failed(&error, arguments.json))
}

/// A session that cannot be read hides no other one.
fn list(json: bool) -> Result<ExitCode, Error> {
    let sessions = sessions()?;
    let mut code = ExitCode::SUCCESS;
    let mut lines = Vec::new();
    for Listed { id, record } in sessions.list()? {
        match record {
            Ok(record) if json => emit_as("session", &SessionView::of(&record, sessions.written(&record)?)),
            Ok(record) => lines.push(columns(&sessions, &record)?),
            Err(error) => {
                let error = Error::from(error);
                code = failed(&error, false);
                if json {
                    emit_as("unreadable", &Unreadable { session: &id, error: error.text() });
                }
            }
        }
    }
    if !json && !lines.is_empty() {
        let heading = ["ID", "NAME", "STATE", "EXECS", "SNAPSHOTS", "SIZE", "USED", "PROJECT"];
        lines.insert(0, heading.map(str::to_owned));
        print(&table(&lines))?;
    }
    Ok(code)
}

fn columns(sessions: &Sessions, record: &Record) -> Result<[String; 8], Error> {
    Ok([
        record.id.to_string(),
        record.name.clone().unwrap_or_else(|| "-".into()),
        State::of(record).word().into(),
        record.execs.to_string(),
        record.snapshots.len().to_string(),
        bytes(sessions.written(record)?.bytes),
        format!("{:.0}", record.used),
        printable(record.project()),
    ])
}
