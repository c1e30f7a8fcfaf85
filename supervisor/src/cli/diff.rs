//! `clearing diff`: what a session changed, as git tells it.

mod json;
mod names;
mod pager;
mod screen;
mod shown;
mod stat;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use clearing_rootfs::{Binary, Diff, DiffError, Plain, WalkError};

use self::screen::Screen;
use self::shown::Shown;
use super::talk::{failed, say_note};
use crate::compared::{PRESENT, Wanted, check_project, point};
use crate::error::Error;
use crate::session::{changed_git, sessions, stack};

/// Tells what a session changed, as git tells it.
///
/// `git apply` takes the text. Names are those of snapshots, of which `initial` is the project as it is, and `@`, which is the present
/// state. From the project to the present state where none is named. What git has no words for stands in
/// comments before the text. Exits with 1 if something could not be read.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing diff fix\n\
    \x20 clearing diff fix --stat initial green\n\
    \x20 clearing diff fix > fix.patch; git apply fix.patch\n\
    \x20 clearing diff fix @ initial -- src                # what would take it back")]
pub(super) struct Arguments {
    /// The session, by id or name.
    #[arg(value_name = "ID")]
    session: String,
    /// The older side.
    #[arg(value_name = "FROM", default_value = "initial")]
    from: String,
    /// The newer side.
    #[arg(value_name = "TO", default_value = PRESENT)]
    to: String,
    /// Only these files and directories of the project.
    #[arg(last = true, value_name = "PATHS")]
    paths: Vec<OsString>,
    /// How many lines of each file changed.
    #[arg(long, group = "form")]
    stat: bool,
    /// What happened to each path, by a letter.
    #[arg(long, group = "form", hide_short_help = true)]
    name_status: bool,
    /// A JSON object for each path.
    #[arg(long, group = "form")]
    json: bool,
    /// With `--name-status`: names as they are, each ended by a NUL; not on a terminal.
    #[arg(short = 'z', requires = "name_status", hide_short_help = true)]
    nul: bool,
    /// Show what is no text as a patch on a terminal, too.
    #[arg(long, conflicts_with = "form", hide_short_help = true)]
    binary: bool,
    /// Whether to colour the text.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
    /// Do not go through the pager, which is `$GIT_PAGER`, else `$PAGER`, else `less`.
    #[arg(long, hide_short_help = true)]
    no_pager: bool,
}

/// Something could not be read.
const INCOMPLETE: u8 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    match diff(arguments) {
        Ok(unread) if unread.is_empty() => ExitCode::SUCCESS,
        Ok(unread) => {
            unread.into_iter().for_each(|error| super::talk::complain(&Error::Changes(error)));
            ExitCode::from(INCOMPLETE)
        }
        // Whoever read it has read enough.
        Err(Error::Diff(DiffError::Write(error))) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error, arguments.json),
    }
}

/// Returns what could not be read.
fn diff(arguments: &Arguments) -> Result<Vec<WalkError>, Error> {
    let sessions = sessions()?;
    let record = sessions.read(&arguments.session)?;
    check_project(&record)?;
    if record.is_running() {
        say_note("a command runs in the session: what it writes meanwhile may be told by half");
    }
    changed_git(&sessions, &record)?.iter().for_each(|note| say_note(note));
    let old = stack(&sessions, &record, point(&record, &arguments.from)?)?;
    let new = stack(&sessions, &record, point(&record, &arguments.to)?)?;
    let wanted = Wanted::of(&arguments.paths, record.project())?;
    let diff = Diff::between(&old, &new, &|path| wanted.has(path))?;
    let mut screen = Screen::open(arguments)?;
    let written = tell(arguments, &diff, &mut screen);
    let closed = screen.close();
    let unread = written?;
    closed.map_err(DiffError::Write)?;
    Ok(unread)
}

fn tell(arguments: &Arguments, diff: &Diff<'_>, screen: &mut Screen) -> Result<Vec<WalkError>, Error> {
    let (is_shown, color) = (screen.is_shown(), screen.color());
    let out = screen as &mut dyn Write;
    if !arguments.json && (arguments.stat || arguments.name_status) {
        // The text has them in comments.
        diff.untold.iter().for_each(|untold| {
            say_note(String::from_utf8_lossy(&untold.line()).trim_start_matches("# "));
        });
    }
    Ok(if arguments.json {
        json::write(diff, out)?
    } else if arguments.stat {
        stat::write(diff, color, out)?
    } else if arguments.name_status {
        names::write(diff, arguments.nul && !is_shown, out).map_err(DiffError::Write)?;
        Vec::new()
    } else if is_shown || color {
        let binary = if is_shown && !arguments.binary { Binary::Named } else { Binary::Patch };
        diff.write(binary, &mut Shown { out, color })?
    } else {
        diff.write(Binary::Patch, &mut Plain(out))?
    })
}
