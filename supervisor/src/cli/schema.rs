//! `clearing schema`: the form of everything that programs say to clearing and hear of it.

use std::process::ExitCode;

use super::talk::{failed, print};
use crate::error::Error;
use crate::protocol::document;

/// Prints the JSON schemas of all requests, answers and notifications of `clearing serve`, and of `--json`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  clearing schema | grep exec/start")]
pub(super) struct Arguments {}

pub(super) fn main(Arguments {}: &Arguments) -> ExitCode {
    let document = serde_json::to_string_pretty(&document()).map_err(std::io::Error::from);
    let printed = document.map_err(|error| Error::System("writing the schema", error));
    let printed = printed.and_then(|document| print(&format!("{document}\n")));
    printed.map_or_else(|error| failed(&error, false), |()| ExitCode::SUCCESS)
}
