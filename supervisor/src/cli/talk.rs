//! What the binary says: results on standard output, everything else on standard error.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clearing_profiles::ProfileError;
use serde::Serialize;

use crate::error::Error;
use crate::outcome::ErrorText;
use crate::{progress, text};

/// A line of `--json` with what it is.
#[derive(Serialize)]
struct Tagged<'a, T> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    line: &'a T,
}

/// Tells of an error, and ends with the code that it has.
pub(super) fn failed(error: &Error, json: bool) -> ExitCode {
    complain(error);
    if json {
        emit_error(&error.text());
    }
    ExitCode::from(error.exit_code())
}

/// Tells of an error to a person.
pub(super) fn complain(error: &Error) {
    let hint = error.hint().map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
    let message = error.message();
    // Only the place in a profile is shown in lines of its own: a name that ends a line must not begin another.
    let shown =
        if matches!(error, Error::Profile(ProfileError::Faulty(_))) { message } else { text::line(&message) };
    say(&format!("clearing: {shown}\n{hint}"));
}

/// Tells what need not be acted upon.
pub(super) fn say_note(note: &str) {
    say(&text::note(note));
}

/// Talk goes to standard error; a caller that closed it does not want to hear it.
///
/// Names that a project or a command chose are in many a message: a terminal must not obey them.
pub(super) fn say(text: &str) {
    progress::clear();
    let _ = io::stderr().write_all(text::plain(text).as_bytes());
}

/// Tells a line of `--json`, of a value that says itself what it is.
pub(super) fn emit(line: &impl Serialize) {
    if let Ok(line) = text::json(line) {
        let _ = writeln!(io::stdout(), "{line}");
    }
}

/// Tells a line of `--json`, and what it is.
pub(super) fn emit_as(kind: &'static str, line: &impl Serialize) {
    emit(&Tagged { kind, line });
}

/// Tells an error as a line of `--json`.
pub(super) fn emit_error(error: &ErrorText) {
    emit_as("error", error);
}

/// Tells a result to a person, whose terminal must not obey the names that are in it. A reader that went away does
/// not want to hear it.
pub(super) fn print(result: &str) -> Result<(), Error> {
    print_escaped(&text::plain(result))
}

/// Tells a result that is JSON or TOML.
pub(super) fn print_data(data: String) -> Result<(), Error> {
    print_escaped(&text::escaped(data))
}

fn print_escaped(text: &str) -> Result<(), Error> {
    progress::clear();
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::System("writing to standard output", error))
        }
        _ => Ok(()),
    }
}
