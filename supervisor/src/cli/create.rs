//! `clearing create`: a session, to run commands in one after another.

use std::path::PathBuf;
use std::process::ExitCode;

use clearing_rootfs::Written;

use super::talk::{emit_as, failed, print, say_note};
use crate::error::Error;
use crate::permission::DEFAULT_PROFILE;
use crate::session::{self, CreateRequest, SessionView};

/// Makes a session over the project and prints its id.
///
/// Commands that run in it see what the ones before them wrote.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing create --name try\n\
    \x20 clearing exec try -- make test\n\
    \x20 clearing diff try\n\
    \x20 clearing commit try && clearing rm try")]
pub(super) struct Arguments {
    /// The project.
    ///
    /// Else the nearest ancestor with `.git`, else the working directory.
    #[arg(short, long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// A profile's name, or the path of one.
    #[arg(short, long, value_name = "PROFILE", default_value = DEFAULT_PROFILE)]
    profile: String,
    /// A name of your own for it, beside its id.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Tell the session as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    create(arguments).map_or_else(|error| failed(&error, arguments.json), |()| ExitCode::SUCCESS)
}

fn create(arguments: &Arguments) -> Result<(), Error> {
    let Arguments { workspace, profile, name, json } = arguments;
    let request =
        CreateRequest { directory: workspace.clone(), profile: profile.clone(), name: name.clone() };
    let (session, notes) = session::create(&request)?;
    notes.iter().for_each(|note| say_note(note));
    if *json {
        emit_as("session", &SessionView::of(session.record(), Written::default()));
        return Ok(());
    }
    print(&format!("{}\n", session.record().id))
}
