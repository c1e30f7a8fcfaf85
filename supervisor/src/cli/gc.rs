//! `clearing gc`: takes away what nobody needs any more.

use std::process::ExitCode;
use std::time::Duration;

use clearing_rootfs::{Record, Sessions};

use super::ask::AskArguments;
use super::removal::Removal;
use super::talk::{failed, say, say_note};
use crate::error::Error;
use crate::gc::{Bounds, Reason, choose};
use crate::lost::Lost;
use crate::session::{self, sessions};
use crate::text::bytes;

/// Takes away what killed commands left, and sessions beyond bounds.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing gc                                       # what killed commands left\n\
    \x20 clearing gc --older-than 30d --keep 20 --max-size 10G --dry-run")]
pub(super) struct Arguments {
    /// Remove sessions that were not used for so long: `12h`, `30d`.
    #[arg(long, value_name = "TIME", value_parser = age)]
    older_than: Option<Duration>,
    /// Keep so many sessions, those used last.
    #[arg(long, value_name = "NUMBER")]
    keep: Option<usize>,
    /// Keep so many bytes of sessions, those used last.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_size: Option<u64>,
    /// Tell what would be removed, and remove nothing.
    #[arg(long)]
    dry_run: bool,
    /// Tell each session as a line of JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ask: AskArguments,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    collect(arguments).map_or_else(|error| failed(&error, arguments.json), |()| ExitCode::SUCCESS)
}

fn collect(arguments: &Arguments) -> Result<(), Error> {
    let sessions = sessions()?;
    let bounds = Bounds { age: arguments.older_than, number: arguments.keep, bytes: arguments.max_size };
    let chosen = choose(&sessions, bounds)?;
    let chosen: Vec<Chosen> = chosen.into_iter().map(|it| Chosen::of(&sessions, it)).collect();
    if !arguments.json {
        chosen.iter().for_each(|it| say(&format!("clearing: {}\n", it.describe())));
    }
    let question = format!("remove {} sessions with all that was written in them?", chosen.len());
    let goes = !arguments.dry_run && !chosen.is_empty() && arguments.ask.confirm(&question)?;
    for it in &chosen {
        let gone = goes && remove(&sessions, &it.record);
        if arguments.json {
            Removal::of_chosen(&it.record, it.reason, it.lost).tell(gone);
        }
    }
    if arguments.dry_run {
        return Ok(());
    }
    for error in sessions.collect()? {
        say_note(&format!("still there: {error}"));
    }
    Ok(())
}

/// A session that is beyond a bound.
struct Chosen {
    record: Record,
    reason: Reason,
    lost: Lost,
}

/// Tells whether it is gone: one that began to be used meanwhile stays.
fn remove(sessions: &Sessions, record: &Record) -> bool {
    let removed = session::remove(sessions, record.id.as_str(), "gc");
    if let Err(error) = &removed {
        say_note(&error.message());
    }
    removed.is_ok()
}

impl Chosen {
    fn of(sessions: &Sessions, (record, reason): (Record, Reason)) -> Self {
        let lost = Lost::with(sessions, &record);
        Self { record, reason, lost }
    }

    fn describe(&self) -> String {
        let Self { record, reason, lost } = self;
        let name = record.name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
        let why = match reason {
            Reason::Age => format!("last used {:.0}", record.used),
            Reason::Number => "more than are to be kept".to_owned(),
            Reason::Size(size) => format!("{} beyond the size that is to be kept", bytes(*size)),
        };
        let gone = if lost.is_nothing() { String::new() } else { format!("; it has {}", lost.text()) };
        format!("{}{name}: {why}{gone}", record.id)
    }
}

fn age(text: &str) -> Result<Duration, String> {
    clearing_profiles::parse_duration(text).map_err(|error| format!("{error} ({})", error.hint()))
}

fn size(text: &str) -> Result<u64, String> {
    clearing_profiles::parse_size(text).map_err(|error| format!("{error} ({})", error.hint()))
}
