//! What the binary says: results on standard output, everything else on standard error.

use std::io::{self, Write as _};
use std::process::ExitCode;

use serde::Serialize;

use crate::error::Error;
use crate::text;

/// An error as a line of `--json`.
#[derive(Serialize)]
#[serde(tag = "type", rename = "error")]
struct ErrorLine {
    #[serde(flatten)]
    text: crate::outcome::ErrorText,
}

/// Tells of an error, and ends with the code that it has.
pub(super) fn failed(error: &Error, json: bool) -> ExitCode {
    complain(error);
    if json {
        emit(&ErrorLine { text: error.text() });
    }
    ExitCode::from(error.exit_code())
}

/// Tells of an error to a person.
pub(super) fn complain(error: &Error) {
    let hint = error.hint().map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
    say(&format!("clearing: {}\n{hint}", error.message()));
}

/// Tells what need not be acted upon.
pub(super) fn say_note(note: &str) {
    say(&text::note(note));
}

/// Talk goes to standard error; a caller that closed it does not want to hear it.
///
/// Names that a project or a command chose are in many a message: a terminal must not obey them.
pub(super) fn say(text: &str) {
    let _ = io::stderr().write_all(text::plain(text).as_bytes());
}

/// Tells a line of `--json`.
pub(super) fn emit(line: &impl Serialize) {
    if let Ok(line) = serde_json::to_string(line) {
        let _ = writeln!(io::stdout(), "{line}");
    }
}

/// Tells a result, as the bytes that it is. A reader that went away does not want to hear it.
pub(super) fn print(text: &str) -> Result<(), Error> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::System("writing to standard output", error))
        }
        _ => Ok(()),
    }
}
