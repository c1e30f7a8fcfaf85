//! `clearing schema`: the form of everything that programs say to clearing and hear of it.

use std::process::ExitCode;

use super::talk::{failed, print};
use crate::error::Error;
use crate::http::openapi;
use crate::protocol::document;

/// Prints the JSON schemas of all requests, answers and notifications of `clearing serve`, and of `--json`.
#[derive(Debug, clap::Args)]
#[command(
    after_long_help = "Examples:\n  clearing schema | grep exec/start\n  clearing schema --openapi | grep /v1/sessions"
)]
pub(super) struct Arguments {
    /// Print the description of the HTTP interface instead, as OpenAPI 3.1.
    #[arg(long)]
    openapi: bool,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    let document = if arguments.openapi { openapi() } else { document() };
    let document = serde_json::to_string_pretty(&document).map_err(std::io::Error::from);
    let printed = document.map_err(|error| Error::System("writing the schema", error));
    let printed = printed.and_then(|document| print(&format!("{document}\n")));
    printed.map_or_else(|error| failed(&error, false), |()| ExitCode::SUCCESS)
}
