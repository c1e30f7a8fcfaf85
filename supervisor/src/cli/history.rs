//! `clearing history`: the snapshots of a session, and what each changed.

use std::process::ExitCode;

use serde::Serialize;

use super::talk::{emit_as, failed, print};
use crate::error::Error;
use crate::session::{self, Point, SnapshotView, Steps, sessions};
use crate::text::table;

/// Lists the snapshots of a session, oldest first.
///
/// Each with what it changed of the one that it lies upon.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing history fix")]
pub(super) struct Arguments {
    /// The session, by id or name.
    #[arg(value_name = "ID")]
    session: String,
    /// One JSON object a snapshot.
    #[arg(long)]
    json: bool,
}

/// A snapshot and what it changed, for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Step<'a> {
    #[serde(flatten)]
    snapshot: Option<SnapshotView<'a>>,
    /// The snapshot that it lies upon; none for the project.
    upon: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    live: bool,
    changes: crate::outcome::ChangeCounts,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    history(arguments).map_or_else(|error| failed(&error, arguments.json), |()| ExitCode::SUCCESS)
}

fn history(arguments: &Arguments) -> Result<(), Error> {
    let sessions = sessions()?;
    let record = sessions.read(&arguments.session)?;
    let mut steps = Steps::of(&sessions, &record);
    let points = record.snapshots.iter().map(Point::Snapshot).chain([Point::Live]);
    let mut lines = vec![["SNAPSHOT", "MADE", "UPON", "CHANGES", "WHY"].map(str::to_owned)];
    for point in points {
        let (upon, counts) = steps.step(point)?;
        let snapshot = match point {
            Point::Snapshot(snapshot) => Some(snapshot),
            Point::Live | Point::Project => None,
        };
        if arguments.json {
            let changes = crate::outcome::ChangeCounts::of_counts(counts);
            let snapshot = snapshot.map(SnapshotView::of);
            emit_as("step", &Step { live: snapshot.is_none(), snapshot, upon, changes });
            continue;
        }
        lines.push([
            snapshot.map_or_else(|| "(now)".into(), |snapshot| snapshot.name.clone()),
            snapshot.map_or_else(|| "-".into(), |snapshot| format!("{:.0}", snapshot.made)),
            upon.unwrap_or("-").to_owned(),
            format!("+{} ~{} -{}", counts.added, counts.modified, counts.deleted),
            snapshot.map_or_else(String::new, |snapshot| session::why(snapshot.why).to_owned()),
        ]);
    }
    if arguments.json { Ok(()) } else { print(&table(&lines)) }
}
