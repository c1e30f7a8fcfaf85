//! `clearing run`: one command in a sandbox of its own.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use clearing_profiles::{LayerPlace, NetworkMode};
use rustix::fs::{Mode, OFlags};
use serde::Serialize;

use super::admission::AdmissionArguments;
use super::limits::LimitArguments;
use crate::changes_text;
use crate::error::Error;
use crate::exec::{self, Finished, RunRequest, Told, prepare};
use crate::exit_code;
use crate::outcome::{ErrorText, Outcome};
use crate::plan::PlanView;
use crate::signals::survive_file_limits;
use crate::stats::Stats;
use crate::{text, why};

/// Runs a command in a fresh sandbox over the project. What it changes stays in the sandbox.
///
/// Exits with the command's own code; 128+n when signal n ended it; 124 when the deadline did; 125
/// when clearing refused or could not set up; 126 when the program cannot be executed; 127 when it
/// was not found; 137 when it was killed at another limit than the deadline.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  clearing run -- npm test\n  clearing run --timeout 30s --memory 2G -w ~/app -- make check"
)]
pub(super) struct Arguments {
    /// The project; else the nearest ancestor with `.git`, else the working directory.
    #[arg(short, long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// A profile's name, or the path of one.
    #[arg(short, long, value_name = "PROFILE", default_value = "default")]
    profile: String,
    /// Where what the command writes is kept while it runs: memory has a bound, the disk has none.
    #[arg(long, value_name = "PLACE")]
    layer: Option<LayerArgument>,
    /// Which network the command has.
    #[arg(long, value_name = "NETWORK")]
    network: Option<NetworkArgument>,
    /// Set a variable.
    #[arg(short, long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(OsString, OsString)>,
    /// Tell output and outcome as JSON lines on standard output.
    #[arg(long)]
    json: bool,
    /// Write the outcome to a file, as JSON.
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,
    /// Tell what is used, as JSON lines, so often: `200ms`.
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "stats_fd")]
    stats: Option<Duration>,
    /// The descriptor of yours on which that is told; the command does not get it.
    #[arg(long, value_name = "NUMBER", requires = "stats")]
    stats_fd: Option<i32>,
    /// Print what would be done, and do nothing.
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    admission: AdmissionArguments,
    // Last: options that follow would stand under its heading.
    #[command(flatten)]
    limits: LimitArguments,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum NetworkArgument {
    None,
    Host,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LayerArgument {
    Auto,
    Memory,
    Disk,
}

/// A line of `--json` output.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "type")]
enum Event<'a> {
    /// The run waits for others to end.
    Queued {
        /// 1 is the next.
        position: usize,
    },
    Outcome(&'a Outcome),
    Error(&'a ErrorText),
}

/// What `--result` holds when there is no outcome.
#[derive(Serialize)]
struct Refused {
    error: ErrorText,
}

pub(super) fn main(arguments: Arguments) -> ExitCode {
    let (json, result, plan) = (arguments.json, arguments.result.clone(), arguments.plan);
    // Before anything is opened: a number that means nothing must not come to mean something of ours.
    let request = arguments.request();
    let told = if plan {
        request.and_then(|request| print_plan(&request))
    } else {
        run(request, json, result.as_deref())
    };
    told.unwrap_or_else(|error| {
        complain(&error);
        if json {
            emit(&Event::Error(&error.text()));
        }
        ExitCode::from(error.exit_code())
    })
}

fn run(request: Result<RunRequest, Error>, json: bool, result: Option<&Path>) -> Result<ExitCode, Error> {
    survive_file_limits();
    let result = result.map(ResultFile::create).transpose()?;
    let hear = |told: Told<'_>| hear(told, json);
    let finished = match request.and_then(|request| exec::run(&request, &hear)) {
        Ok(finished) => finished,
        Err(error) => {
            // The reason goes before the failure to write it down.
            let _ = result.map(|file| file.write(&Refused { error: error.text() }));
            return Err(error);
        }
    };
    // Before it is told: whoever should read that may read nothing any more.
    let written = result.map_or(Ok(()), |file| file.write(&finished.outcome));
    tell(&finished, json);
    written.map(|()| exit_code::of(&finished.outcome))
}

fn tell(finished: &Finished, json: bool) {
    let Finished { outcome, changes, error } = finished;
    if let Some(error) = error {
        complain(error);
    }
    if let Some(why) = why::text(outcome) {
        say(&format!("clearing: {why}"));
    }
    if json {
        emit(&Event::Outcome(outcome));
        return;
    }
    let told =
        outcome.alerts.iter().filter(|alert| !alert.is_of(outcome.exceeded.map(|breach| breach.limit)));
    told.for_each(|alert| say_note(&alert.text()));
    if error.is_none() {
        say(&changes_text::block(changes));
    }
}

fn hear(told: Told<'_>, json: bool) {
    match told {
        Told::Queued(position) if json => emit(&Event::Queued { position }),
        Told::Queued(position) => {
            say_note(&format!("waits for a sandbox to end, at place {position} of the queue"));
        }
        Told::Note(note) => say_note(note),
    }
}

fn print_plan(request: &RunRequest) -> Result<ExitCode, Error> {
    let prepared = prepare(request)?;
    let looked = prepared.look_around();
    let text = serde_json::to_string_pretty(&PlanView::of(&prepared.plan));
    prepared.discard()?;
    looked?.iter().for_each(|note| say_note(note));
    let text = text.map_err(|error| Error::System("writing the plan", error.into()))?;
    writeln!(io::stdout(), "{text}").map_err(|error| Error::System("writing the plan", error))?;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn request(self) -> Result<RunRequest, Error> {
        let stats = self.stats.zip(self.stats_fd);
        Ok(RunRequest {
            directory: self.workspace,
            profile: self.profile,
            limits: self.limits.given(),
            layer: self.layer.map(|layer| match layer {
                LayerArgument::Auto => LayerPlace::Auto,
                LayerArgument::Memory => LayerPlace::Memory,
                LayerArgument::Disk => LayerPlace::Disk,
            }),
            network: self.network.map(|network| match network {
                NetworkArgument::None => NetworkMode::None,
                NetworkArgument::Host => NetworkMode::Host,
            }),
            environment: self.env,
            json: self.json,
            admission: self.admission.given(),
            stats: stats.map(|(every, number)| Stats::on(number, every)).transpose()?,
            command: self.command,
        })
    }
}

/// Where the outcome is to be written, opened before anything runs: a name that cannot be written
/// costs nothing.
struct ResultFile<'a> {
    path: &'a Path,
    file: File,
}

impl<'a> ResultFile<'a> {
    fn create(path: &'a Path) -> Result<Self, Error> {
        // In a hostile project the name may be a link to a file of the caller's, or a pipe that nobody
        // reads. What lies in /dev is the caller's own stream, and always behind a link.
        let own_stream = path.starts_with("/dev");
        let link = if own_stream { OFlags::empty() } else { OFlags::NOFOLLOW };
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o666);
        let file = rustix::fs::open(path, flags | link, mode)
            .map_err(|errno| Error::Result(path.to_owned(), errno.into()))?;
        Ok(Self { path, file: file.into() })
    }

    fn write(mut self, result: &impl Serialize) -> Result<(), Error> {
        let written = serde_json::to_vec(result).map_err(io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            self.file.write_all(&line)
        });
        written.map_err(|error| Error::Result(self.path.to_owned(), error))
    }
}

fn complain(error: &Error) {
    let hint = error.hint().map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
    say(&format!("clearing: {}\n{hint}", error.message()));
}

fn say_note(note: &str) {
    say(&format!("clearing: note: {note}\n"));
}

/// Talk goes to standard error; a caller that closed it does not want to hear it.
///
/// Names that a project or a command chose are in many a message: a terminal must not obey them.
fn say(text: &str) {
    let _ = io::stderr().write_all(text::plain(text).as_bytes());
}

fn emit(event: &Event<'_>) {
    if let Ok(line) = serde_json::to_string(event) {
        let _ = writeln!(io::stdout(), "{line}");
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = clearing_profiles::parse_duration(text);
    let duration = duration.map_err(|error| format!("{error} ({})", error.hint()))?;
    if duration.is_zero() { Err("that is no time at all".into()) } else { Ok(duration) }
}

/// `NAME=VALUE` with a name that a variable can have.
fn variable(text: &str) -> Result<(OsString, OsString), String> {
    let (name, value) = text.split_once('=').ok_or("`=` is missing: NAME=VALUE")?;
    if name.is_empty() {
        return Err("the name is empty".into());
    }
    Ok((OsStr::from_bytes(name.as_bytes()).to_owned(), OsStr::from_bytes(value.as_bytes()).to_owned()))
}
