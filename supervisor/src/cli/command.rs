//! What `run` and `exec` have in common: a command, what it may take, and how its end is told.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use clearing_profiles::{LimitName, NetworkMode, Tier};
use serde::Serialize;

use super::admission::AdmissionArguments;
use super::ask::ask;
use super::by_server::not_there;
use super::limits::LimitArguments;
use super::result_file::ResultFile;
use super::script::ScriptArguments;
use super::talk::{complain, emit, say, say_note};
use crate::admission::Admission;
use crate::alerts::Alert;
use crate::changes_text;
use crate::client::Asked;
use crate::error::Error;
use crate::exec::{self, Finished};
use crate::exit_code;
use crate::outcome::{Cause, ErrorText, Outcome};
use crate::policy::{Denial, Denied};
use crate::request::{RunRequest, Told};
use crate::script::Script;
use crate::signals::survive_file_limits;
use crate::stats::Stats;
use crate::text::line;
use crate::why;

#[derive(Debug, clap::Args)]
pub(super) struct CommandArguments {
    /// Set a variable.
    #[arg(short, long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(OsString, OsString)>,
    /// Tell output and outcome as JSON lines.
    #[arg(long)]
    pub(super) json: bool,
    /// Write the outcome to a file, as JSON.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    result: Option<PathBuf>,
    /// Tell what is used, as JSON lines, so often: `200ms`.
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "stats_fd", hide_short_help = true)]
    stats: Option<Duration>,
    /// The descriptor of yours on which that is told; the command does not get it.
    #[arg(long, value_name = "NUMBER", requires = "stats", hide_short_help = true)]
    stats_fd: Option<i32>,
    #[command(flatten)]
    script: ScriptArguments,
    #[command(flatten)]
    admission: AdmissionArguments,
    // Last: options that follow would stand under its heading.
    #[command(flatten)]
    permission: PermissionArguments,
    /// The command and its arguments; with `--lang` those of the script.
    #[arg(last = true, required_unless_present = "lang", value_name = "CMD", help_heading = None::<&'static str>)]
    command: Vec<OsString>,
}

/// What a caller changes of the profile.
#[derive(Debug, clap::Args)]
pub(super) struct PermissionArguments {
    /// Which network it has.
    #[arg(long, value_name = "NETWORK")]
    network: Option<NetworkArgument>,
    /// The least that you accept; the best that this host gives is taken.
    #[arg(long, value_name = "TIER", hide_short_help = true)]
    tier: Option<TierArgument>,
    #[command(flatten)]
    limits: LimitArguments,
}

impl PermissionArguments {
    pub(super) fn network(&self) -> Option<NetworkMode> {
        self.network.map(|network| match network {
            NetworkArgument::None => NetworkMode::None,
            NetworkArgument::Host => NetworkMode::Host,
        })
    }

    pub(super) fn tier(&self) -> Option<Tier> {
        self.tier.map(|tier| match tier {
            TierArgument::Namespaces => Tier::Namespaces,
            TierArgument::Landlock => Tier::Landlock,
        })
    }

    /// Those that were given, as they were written.
    pub(super) fn limits(self) -> Vec<(LimitName, String)> {
        self.limits.given()
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum NetworkArgument {
    None,
    Host,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum TierArgument {
    Namespaces,
    Landlock,
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
    /// Something was not permitted.
    Denial(&'a Denial),
    /// The outcome of what was not permitted to run.
    #[serde(rename = "outcome")]
    Denied(&'a Denied),
}

/// What `--result` holds when there is no outcome.
#[derive(Serialize)]
pub(super) struct Refused {
    pub(super) error: ErrorText,
}

/// Conducts the request to its end and tells of it.
pub(super) fn conduct(
    request: Result<RunRequest, Error>,
    json: bool,
    result: Option<&Path>,
) -> Result<ExitCode, Error> {
    survive_file_limits();
    let result = result.map(ResultFile::create).transpose()?;
    let hear = |told: Told<'_>| hear(told, json);
    let finished = match request.and_then(|request| exec::run(&request, &hear, &ask)) {
        Ok(finished) => finished,
        Err(Error::Denied(denied)) => {
            let written = result.map_or(Ok(()), |file| file.write(&denied));
            tell_denied(&denied, json);
            return written.map(|()| ExitCode::from(exit_code::REFUSED));
        }
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

fn tell_denied(denied: &Denied, json: bool) {
    for denial in &denied.denials {
        say(&format!("clearing: {}\nhint: {}\n", denial.text(), denial.hint));
        if json {
            emit(&Event::Denial(denial));
        }
    }
    if json {
        emit(&Event::Denied(denied));
    }
}

fn tell(finished: &Finished, json: bool) {
    let Finished { outcome, changes, noted, cut, error } = finished;
    if let Some(error) = error {
        complain(error);
    }
    if let Some(why) = why::text(outcome) {
        say(&format!("clearing: {why}"));
    }
    if outcome.truncated.any() && outcome.cause != Cause::Output {
        let bytes = outcome.truncated.bytes();
        say_note(&format!("nobody took the last {bytes} bytes of its output, and they are dropped"));
    }
    tell_refused(&outcome.denials, outcome.more_denials, outcome.unseen_executions);
    if json {
        // A reader that was given up may have begun to take a line.
        let _ = io::stdout().write_all(cut);
        emit(&Event::Outcome(outcome));
        return;
    }
    let ended_at = outcome.exceeded.map(|breach| breach.limit);
    let is_known = |alert: &Alert| noted.iter().any(|heard| alert.is_known_from(heard));
    let told = outcome.alerts.iter().filter(|alert| !alert.is_of(ended_at) && !is_known(alert));
    told.for_each(|alert| say_note(&alert.text()));
    outcome.rolled_back.iter().for_each(|back| say_note(&back.text()));
    if error.is_none() {
        say(&changes_text::block(changes, outcome.session.as_ref()));
    }
}

/// What the command could not start, each in a line; how many others, and how often nobody could look.
pub(super) fn tell_refused(denials: &[Denial], more: u64, unseen: u64) {
    for denial in denials {
        say(&format!("clearing: {}\n", line(&format!("{}; {}", denial.text(), denial.hint))));
    }
    if more > 0 {
        say_note(&format!("other programs were not executed either, {more} times"));
    }
    if unseen > 0 {
        say_note(&format!(
            "{unseen} executions could not be looked at; unknown programs may have been refused"
        ));
    }
}

/// Tells what is known before there is an outcome.
pub(super) fn hear(told: Told<'_>, json: bool) {
    match told {
        Told::Queued(position) if json => emit(&Event::Queued { position }),
        Told::Queued(position) => {
            say_note(&format!("waits for a sandbox to end, at place {position} of the queue"));
        }
        Told::Note(note) => say_note(note),
    }
}

impl CommandArguments {
    /// Where the outcome is to be written.
    pub(super) fn result(&self) -> Option<PathBuf> {
        self.result.clone()
    }

    /// The script, if there is to be one. Standard input can be read once.
    pub(super) fn read_script(&self) -> Result<Option<Script>, Error> {
        self.script.read()
    }

    /// A request for a run of its own, with all that these arguments say.
    pub(super) fn request(self, script: Option<Script>) -> Result<RunRequest, Error> {
        let stats = self.stats.zip(self.stats_fd);
        let command = match &script {
            Some(script) => script.command(self.command),
            None => self.command,
        };
        Ok(RunRequest {
            directory: None,
            session: None,
            profile: None,
            layer: None,
            network: self.permission.network(),
            tier: self.permission.tier(),
            limits: self.permission.limits(),
            environment: self.env,
            json: self.json,
            admission: self.admission.given(),
            approved: false,
            stats: stats.map(|(every, number)| Stats::on(number, every)).transpose()?,
            command,
            call: None,
            script,
        })
    }
}

impl CommandArguments {
    /// Whether to wait for a place.
    pub(super) fn admission(&self) -> Option<Admission> {
        self.admission.given()
    }

    /// What of them a server that holds the session can be asked for; the rest is refused.
    pub(super) fn through_server(self, session: String, script: Option<Script>) -> Result<Asked, Error> {
        if self.stats.is_some() {
            return Err(not_there(
                "--stats",
                "what the command took is in its outcome; what the session takes now, `stats/get` of the server tells",
            ));
        }
        let Self { env, json, permission, command, .. } = self;
        // Whatever tier is the least that is accepted: no server holds less than all namespaces.
        let network = permission.network();
        let limits = permission.limits();
        Ok(Asked { session, command, script, profile: None, network, environment: env, limits, json })
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
