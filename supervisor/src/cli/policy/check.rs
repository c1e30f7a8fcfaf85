//! `clearing policy check`: what the rules say to a command, without running it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clearing_profiles::{Decision, Ruling};
use serde::Serialize;

use crate::cli::talk::{emit_as, failed, print};
use crate::error::Error;
use crate::exit_code::NOT_PERMITTED;
use crate::permission::{DEFAULT_PROFILE, Wanted, of_project};
use crate::policy::{begins, judge, rule};
use crate::text;

/// Tells what the rules say to a command: the decision, the rule, and the line that would allow it.
///
/// It would begin where this is called, as with `run`.
/// Exits with 0 when it would run, 1 when it would be denied or asked for, 125 when the profile cannot be read.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing policy check -- make test\n\
    \x20 clearing policy check -p strict -- sh -c 'npm test && curl example.org'")]
pub(in crate::cli) struct Arguments {
    /// The project.
    ///
    /// Else the nearest ancestor with `.git`, else the working directory.
    #[arg(short, long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// A profile's name, or the path of one.
    #[arg(short, long, value_name = "PROFILE", default_value = DEFAULT_PROFILE)]
    profile: String,
    /// A variable that would be set.
    #[arg(short, long = "env", value_name = "NAME")]
    env: Vec<OsString>,
    /// Tell it as JSON.
    #[arg(long)]
    json: bool,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// The answer, for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked<'a> {
    decision: Decision,
    rulings: &'a [Ruling],
}

pub(in crate::cli) fn main(arguments: &Arguments) -> ExitCode {
    check(arguments).unwrap_or_else(|error| failed(&error, arguments.json))
}

fn check(arguments: &Arguments) -> Result<ExitCode, Error> {
    let wanted = Wanted { profile: &arguments.profile, ..Wanted::default() };
    let (host, project) = of_project(arguments.workspace.as_deref())?;
    let profile = wanted.settle(&host, &project)?;
    let begins = begins(&project.root, &project.cwd);
    let judgement = judge(&profile.commands, &arguments.command, &arguments.env, begins);
    let (decision, rulings) = (judgement.decision(), judgement.rulings());
    match arguments.json {
        true => emit_as("judgement", &Checked { decision, rulings }),
        false => print(&written(decision, rulings))?,
    }
    Ok(if decision == Decision::Allow { ExitCode::SUCCESS } else { ExitCode::from(NOT_PERMITTED) })
}

fn written(decision: Decision, rulings: &[Ruling]) -> String {
    let mut lines = vec![decision.word().to_owned()];
    for ruling in rulings {
        let by = rule(ruling).map_or_else(String::new, |rule| format!(", by {{ {rule} }}"));
        lines.push(format!("  {}: `{}`: {}{by}", ruling.decision.word(), ruling.segment, ruling.reason()));
        lines.extend(ruling.line.iter().map(|line| format!("    would allow it: {line}")));
    }
    let lines: Vec<String> = lines.iter().map(|line| text::line(line)).collect();
    format!("{}\n", lines.join("\n"))
}
