//! `clearing audit show`: the acts in the record, each with what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use serde_json::Value;

use crate::audit::{Audit, Recorded};
use crate::cli::talk::{failed, print, print_data, say_note};
use crate::error::Error;
use crate::session::sessions;
use crate::text::{line, table};

/// Lists what was done, oldest first: when, which verb, on which session, what was decided, and its end.
///
/// An act that has no end was killed, or is still at work. Whether the record is whole tells `audit verify`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing audit show --session fix\n\
    \x20 clearing audit show --json | tail -n 1")]
pub(super) struct Arguments {
    /// The lines as they stand in the record.
    #[arg(long)]
    json: bool,
    /// What was done with one session, by id or name.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    show(arguments).map_or_else(|error| failed(&error, arguments.json), |()| ExitCode::SUCCESS)
}

fn show(arguments: &Arguments) -> Result<(), Error> {
    // The record outlives its sessions.
    let id = |name: &String| {
        let record = sessions().and_then(|sessions| Ok(sessions.read(name)?));
        record.map_or_else(|_| name.clone(), |record| record.id.to_string())
    };
    let wanted = arguments.session.as_ref().map(id);
    let mut acts = Acts { session: wanted, ..Acts::default() };
    for recorded in Audit::of_caller()?.lines()? {
        let Recorded { bytes, file, line } = recorded?;
        match serde_json::from_slice(&bytes) {
            Ok(value) if acts.take(&value) && arguments.json => {
                print_data(String::from_utf8_lossy(&bytes).into_owned())?
            }
            Ok(_) => {}
            Err(_) => say_note(&format!("{}:{line} is no line of a record", file.display())),
        }
    }
    if arguments.json { Ok(()) } else { print(&table(&acts.lines())) }
}

/// Decisions by number, and what came of them.
#[derive(Debug, Default)]
struct Acts {
    session: Option<String>,
    shown: BTreeSet<u64>,
    decisions: BTreeMap<u64, Value>,
    outcomes: BTreeMap<u64, Value>,
}

impl Acts {
    /// Tells whether the line is one of those that are asked for.
    fn take(&mut self, value: &Value) -> bool {
        let of = value["of"].as_u64();
        let number = value["seq"].as_u64().unwrap_or_default();
        let shown = match (&self.session, of) {
            (None, _) => true,
            (Some(_), Some(of)) => self.shown.contains(&of),
            (Some(session), None) => value["session"] == session.as_str(),
        };
        if shown {
            match of {
                // Of what an act left running; the act has its own outcome.
                Some(_) if value["type"] == "denial" => None,
                Some(of) => self.outcomes.insert(of, value.clone()),
                None => self.decisions.insert(number, value.clone()),
            };
            self.shown.insert(number);
        }
        shown
    }

    fn lines(&self) -> Vec<[String; 7]> {
        let heading = ["SEQ", "TIME", "VERB", "SESSION", "DECISION", "END", "WHAT"].map(str::to_owned);
        let row = |(number, decision): (&u64, &Value)| {
            [
                number.to_string(),
                text(&decision["time"]).chars().take(19).collect(),
                text(&decision["verb"]),
                text(&decision["session"]),
                text(&decision["decision"]),
                self.end(*number, decision),
                what(decision),
            ]
        };
        std::iter::once(heading).chain(self.decisions.iter().map(row)).collect()
    }

    fn end(&self, number: u64, decision: &Value) -> String {
        let Some(outcome) = self.outcomes.get(&number) else {
            return match text(&decision["type"]).as_str() {
                "recovery" if decision["landed"] == true => "landed".into(),
                "recovery" => "undone".into(),
                _ if decision["decision"] == "deny" => "refused".into(),
                _ => "no end: killed, or still at work".into(),
            };
        };
        let cause = outcome["cause"].as_str();
        match (cause, &outcome["exitCode"], &outcome["signal"]) {
            (Some("exit"), code, _) => format!("exit {code}"),
            (Some("signal"), _, signal) => format!("signal {signal}"),
            (Some(cause), ..) => cause.to_owned(),
            (None, ..) if outcome["done"] == true => "done".into(),
            (None, ..) => format!("failed: {}", line(&text(&outcome["error"]["message"]))),
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => line(text),
        other => line(&other.to_string()),
    }
}

/// The command, or what else the verb was told.
fn what(decision: &Value) -> String {
    match decision["argv"].as_array() {
        Some(words) => words.iter().map(text).collect::<Vec<_>>().join(" "),
        None if decision["detail"].is_null() => text(&decision["project"]),
        None => text(&decision["detail"]),
    }
}
