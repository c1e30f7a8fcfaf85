//! `clearing audit verify`: whether any line was changed, removed, put in or moved.

use std::process::ExitCode;

use serde::Serialize;

use crate::audit::{Audit, Fault, Verified, verify};
use crate::cli::talk::{emit_as, failed, print, say, say_note};
use crate::error::Error;

/// Tells whether the record is as it was written, and names the first line that is not.
///
/// Whoever can write to the state directory can write the whole record anew, or cut lines off its end. Against
/// that, note the hash that this prints elsewhere, and give it with `--expect` later. Exits with 0 if the
/// record is whole, 1 if it is not.
#[derive(Debug, clap::Args)]
#[command(
    after_long_help = "A line's hash is that of its bytes, its end included: `sed -n 7p audit.jsonl | \
    sha256sum`.\n\nExamples:\n\
    \x20 clearing audit verify\n\
    \x20 clearing audit verify --json"
)]
pub(super) struct Arguments {
    /// The hash of a line that the record must hold.
    #[arg(long, value_name = "HASH")]
    expect: Option<String>,
    /// Tell it as JSON.
    #[arg(long)]
    json: bool,
}

/// What it came to, for programs.
#[derive(Serialize)]
struct Told<'a> {
    whole: bool,
    lines: u64,
    head: &'a str,
    torn: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    check(arguments).unwrap_or_else(|error| failed(&error, arguments.json))
}

fn check(arguments: &Arguments) -> Result<ExitCode, Error> {
    let verified = verify(Audit::of_caller()?.lines()?, arguments.expect.as_deref())?;
    let Verified { lines, head, torn, fault } = &verified;
    for place in torn {
        say_note(&format!("{place} is torn: clearing was stopped while it wrote it"));
    }
    let fault = fault.as_ref().map(Fault::to_string);
    if arguments.json {
        let torn = torn.iter().map(ToString::to_string).collect();
        emit_as(
            "verification",
            &Told { whole: fault.is_none(), lines: *lines, head, torn, fault: fault.clone() },
        );
    } else if fault.is_none() {
        print(&format!("{lines} lines, {head}\n"))?;
    }
    if let Some(fault) = &fault {
        say(&format!("clearing: {fault}\n"));
    }
    Ok(ExitCode::from(u8::from(fault.is_some())))
}
