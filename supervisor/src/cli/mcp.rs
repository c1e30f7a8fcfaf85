//! `clearing mcp`: tools for a model.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::serve::duration;
use super::talk::failed;
use crate::host::umask;
use crate::mcp::{Asked, AtEnd, CommitMode, serve};
use crate::signals::survive_file_limits;

/// Gives a model tools to work on the project in a sandbox, by the Model Context Protocol.
///
/// A client of MCP starts it and talks on its standard input and output; standard error is a log. What the model changes
/// stays in a session, which is made when a tool is first called. When standard input is at its end, or on SIGTERM or SIGINT,
/// every process in it ends. The session stays on disk if anything changed in it, and its id is told.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing mcp -w . -p default < /dev/null\n\
    \x20 clearing mcp --commit allow --discard < /dev/null\n\n\
    In the settings of a client:\n\
    \x20 { \"mcpServers\": { \"clearing\": { \"command\": \"clearing\", \"args\": [\"mcp\", \"-w\", \"/home/me/app\"] } } }")]
pub(super) struct Arguments {
    /// The project.
    ///
    /// Else the nearest ancestor with `.git`, else the working directory.
    #[arg(short, long, value_name = "DIR", conflicts_with = "session")]
    workspace: Option<PathBuf>,
    /// A profile's name, or the path of one.
    #[arg(short, long, value_name = "PROFILE", conflicts_with = "session")]
    profile: Option<String>,
    /// Go on with a session that is there.
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// Whether the model may land what it changed.
    ///
    /// Unless said it may not: what stands in a file that it reads could have asked for that.
    #[arg(long, value_name = "WHAT", default_value = "refuse")]
    commit: CommitMode,
    /// Keep the session though nothing changed in it.
    #[arg(long, conflicts_with = "discard")]
    keep: bool,
    /// Remove the session at the end, whatever changed in it.
    #[arg(long)]
    discard: bool,
    /// End the sandbox when it was not used for so long; the next call makes it again.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    idle: Option<Duration>,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    survive_file_limits();
    // Before anything is made.
    umask();
    let Arguments { workspace, profile, session, commit, keep, discard, idle } = arguments;
    let end = match (keep, discard) {
        (_, true) => AtEnd::Discard,
        (true, false) => AtEnd::Keep,
        (false, false) => AtEnd::KeepChanged,
    };
    let asked = Asked {
        workspace: workspace.clone(),
        profile: profile.clone(),
        session: session.clone(),
        commit: *commit,
        end,
        idle: *idle,
    };
    serve(&asked).map_or_else(|error| failed(&error, false), |()| ExitCode::SUCCESS)
}
