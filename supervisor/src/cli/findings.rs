//! `clearing findings`: what is worth a look in the Python that a session wrote.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::process::ExitCode;

use clearing_profiles::{Finding, PYTHON_LONGEST, Severity, python_findings};
use clearing_rootfs::{Diff, DiffError, Entry, Kind, PathText};
use serde::Serialize;

use super::talk::{emit, failed, print, say};
use crate::compared::check_project;
use crate::error::Error;
use crate::session::{Point, sessions, stack};
use crate::text::printable;

/// Tells what is worth a look in the Python that a session wrote.
///
/// What came with the change, and was not in the project before. It is advice for whoever reads the change. Nothing is refused for it, and the exit code is 0.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n\
    \x20 clearing findings fix\n\
    \x20 clearing findings - < script.py")]
pub(super) struct Arguments {
    /// The session, by id or name; `-` for a program on standard input.
    #[arg(value_name = "ID")]
    session: String,
    /// Tell each finding as a line of JSON.
    #[arg(long)]
    json: bool,
}

/// A line of `--json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "type", rename = "finding")]
struct Line<'a> {
    path: &'a PathText,
    #[serde(flatten)]
    finding: &'a Finding,
}

/// Of what is named as a program and is none that can be read.
const UNREAD: Finding = Finding {
    line: 1,
    column: 1,
    rule: "unread",
    severity: Severity::Medium,
    message: "it is no text, or too long to be looked at",
};

/// Some file could not be read.
const INCOMPLETE: u8 = 1;

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    let told = if arguments.session == "-" { of_input(arguments.json) } else { of_session(arguments) };
    told.unwrap_or_else(|error| failed(&error, arguments.json))
}

fn of_input(json: bool) -> Result<ExitCode, Error> {
    let mut bytes = Vec::new();
    let most = PYTHON_LONGEST as u64 + 1;
    let read = io::stdin().lock().take(most).read_to_end(&mut bytes);
    read.map_err(|error| Error::System("reading standard input", error))?;
    tell(&PathText("-".into()), &python_findings(&String::from_utf8_lossy(&bytes)), json)?;
    Ok(ExitCode::SUCCESS)
}

fn of_session(arguments: &Arguments) -> Result<ExitCode, Error> {
    let sessions = sessions()?;
    let record = sessions.read(&arguments.session)?;
    check_project(&record)?;
    let old = stack(&sessions, &record, Point::Project)?;
    let new = stack(&sessions, &record, Point::Live)?;
    let diff = Diff::between(&old, &new, &|_| true)?;
    let (mut code, mut count) = (ExitCode::SUCCESS, 0);
    for entry in diff.entries.iter().filter(|entry| may_be_python(entry)) {
        match of_entry(&diff, entry) {
            Ok(findings) => {
                count += findings.len();
                tell(&PathText(entry.path.clone()), &findings, arguments.json)?;
            }
            Err(error) => {
                let _ = failed(&error.into(), arguments.json);
                code = ExitCode::from(INCOMPLETE);
            }
        }
    }
    if count == 0 && !arguments.json {
        say("clearing: nothing found in the Python that the session changed\n");
    }
    Ok(code)
}

/// By its name; what has none of an ending may say so in its first line.
fn may_be_python(entry: &Entry) -> bool {
    let ending = entry.path.extension();
    entry.new.is_some_and(|new| new.kind == Kind::File)
        && ending.is_none_or(|ending| ending == "py" || ending == "pyi" || ending == "pyw")
}

fn of_entry(diff: &Diff<'_>, entry: &Entry) -> Result<Vec<Finding>, DiffError> {
    let (old, new) = diff.texts(entry)?;
    if new.is_empty() && entry.path.extension().is_some() && entry.new.is_some_and(|new| new.size > 0) {
        return Ok(vec![UNREAD]);
    }
    let new = String::from_utf8_lossy(&new);
    let first = new.lines().next().unwrap_or_default();
    if entry.path.extension().is_none() && !(first.starts_with("#!") && first.contains("python")) {
        return Ok(Vec::new());
    }
    let old = String::from_utf8_lossy(&old);
    Ok(not_before(&old, python_findings(&old), &new, python_findings(&new)))
}

/// A finding is an old one where the same rule found it on a line with the same text.
fn not_before(old: &str, before: Vec<Finding>, new: &str, found: Vec<Finding>) -> Vec<Finding> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let mut known: HashMap<(&str, &str), usize> = HashMap::new();
    for finding in before {
        *known.entry((finding.rule, line_of(&old, finding.line))).or_default() += 1;
    }
    let mut is_new = |finding: &Finding| match known.get_mut(&(finding.rule, line_of(&new, finding.line))) {
        Some(left @ 1..) => {
            *left -= 1;
            false
        }
        _ => true,
    };
    found.into_iter().filter(|finding| is_new(finding)).collect()
}

fn line_of<'t>(lines: &[&'t str], line: usize) -> &'t str {
    lines.get(line - 1).map_or("", |line| line.trim())
}

fn tell(path: &PathText, findings: &[Finding], json: bool) -> Result<(), Error> {
    for finding in findings {
        if json {
            emit(&Line { path, finding });
            continue;
        }
        let Finding { line, column, rule, severity, message } = finding;
        let word = match severity {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        };
        print(&format!("{}:{line}:{column}: {word}: {message} ({rule})\n", printable(&path.0)))?;
    }
    Ok(())
}
