//! `clearing inspect`: all that is known of a session.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clearing_rootfs::{Holder, Record, Written};
use serde::Serialize;

use super::talk::{emit_as, failed, print};
use crate::error::Error;
use crate::session::{self, Point, SessionView, State, sessions};
use crate::text::printable;

/// Tells all that is known of a session.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing inspect fix\n\
    \x20 clearing inspect --json fix")]
pub(super) struct Arguments {
    /// The session, by id or name.
    #[arg(value_name = "ID")]
    session: String,
    /// Tell it as JSON.
    #[arg(long)]
    json: bool,
}

/// A session and who holds it, for programs.
#[derive(Serialize)]
struct Inspected<'a> {
    #[serde(flatten)]
    session: SessionView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<Holder>,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    inspect(arguments).map_or_else(|error| failed(&error, arguments.json), |()| ExitCode::SUCCESS)
}

fn inspect(arguments: &Arguments) -> Result<(), Error> {
    let sessions = sessions()?;
    let record = sessions.read(&arguments.session)?;
    let written = sessions.written(&record)?;
    let holder = sessions.holder(&record.id);
    if arguments.json {
        emit_as("session", &Inspected { session: SessionView::of(&record, written), holder });
        return Ok(());
    }
    let changes = session::changes(&sessions, &record, Point::Project, Point::Live)?.counts;
    let mut text = describe(&record, written);
    if let Some(holder) = &holder {
        let _ = writeln!(text, "held       {holder}");
    }
    let _ = writeln!(text, "changes    +{} ~{} -{}", changes.added, changes.modified, changes.deleted);
    print(&text)
}

fn describe(record: &Record, written: Written) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:10} {value}");
    };
    line("session", record.id.as_str());
    line("name", record.name.as_deref().unwrap_or("-"));
    line("state", State::of(record).word());
    line("project", &printable(record.project()));
    line("profile", &printable(Path::new(&record.profile)));
    line("made", &format!("{:.0}", record.made));
    line("used", &format!("{:.0}", record.used));
    line("execs", &record.execs.to_string());
    line("snapshots", &record.snapshots.len().to_string());
    line("layers", &record.depth().to_string());
    line("size", &format!("{} in {} files", crate::text::bytes(written.bytes), written.inodes));
    text
}
