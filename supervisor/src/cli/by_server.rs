//! `exec` on a session that a server holds: the server runs the command, and its end is told as any other.

use std::path::Path;
use std::process::ExitCode;

use clearing_rootfs::{Changes, Counts};
use serde_json::{Value, json};

use super::command::{Refused, hear, tell_refused};
use super::result_file::ResultFile;
use super::talk::{emit, say, say_note};
use crate::admission::Admission;
use crate::client::{Asked, Client, Ending, exec};
use crate::error::Error;
use crate::exit_code::{self, REFUSED};
use crate::outcome::Cause;
use crate::request::Told;
use crate::rollback::not_gone_back;
use crate::signals::survive_file_limits;
use crate::{changes_text, why};

/// What a server that holds the session cannot be asked for, and what can be done instead.
pub(super) fn not_there(option: &'static str, instead: &'static str) -> Error {
    Error::NotThere { option, instead }
}

/// Has the command run, and tells of its end.
pub(super) fn by_server(
    mut server: Client,
    asked: Result<Asked, Error>,
    admission: Option<Admission>,
    json: bool,
    result: Option<&Path>,
) -> Result<ExitCode, Error> {
    survive_file_limits();
    let result = result.map(ResultFile::create).transpose()?;
    let run = |asked: Asked| {
        // No sandbox of ours lives there, and yet it is one that is at work.
        let _place = admission.map(|it| it.draw(|at| hear(Told::Queued(at), json))).transpose()?;
        exec(&mut server, &asked)
    };
    let ending = match asked.and_then(run) {
        Ok(ending) => ending,
        Err(error) => {
            // The reason goes before the failure to write it down.
            let _ = result.map(|file| file.write(&Refused { error: error.text() }));
            return Err(error);
        }
    };
    let written = result.map_or(Ok(()), |file| file.write(&ending.outcome));
    tell(&ending, json);
    written.map(|()| match ending.lost {
        0 => exit_code::of_end(ending.end.cause, ending.end.exit_code, ending.end.signal),
        // Whoever reads the code alone must not take what is there for all.
        _ => ExitCode::from(REFUSED),
    })
}

fn tell(ending: &Ending, json: bool) {
    let end = &ending.end;
    if let Some(failed) = &end.error {
        let hint = failed.hint.as_ref().map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
        say(&format!("clearing: {}\n{hint}", crate::text::line(&failed.message)));
    }
    if let Some(why) = end.exceeded.and_then(|breach| why::of_breach(end.cause, breach)) {
        say(&format!("clearing: {why}"));
    }
    if ending.truncated.any() && end.cause != Cause::Output {
        let bytes = ending.truncated.bytes();
        say_note(&format!("nobody took the last {bytes} bytes of its output, and they are dropped"));
    }
    if ending.lost > 0 {
        let lost = ending.lost;
        say(&format!(
            "clearing: {lost} bytes of its output were taken too late, and the server did not keep them\n\
             hint: have it write to a file, or read faster: a server stops no command for its reader\n"
        ));
    }
    if end.cause == Cause::Policy {
        for denial in &end.denials {
            say(&format!("clearing: {}\nhint: {}\n", denial.text(), denial.hint));
        }
    } else {
        tell_refused(&end.denials, end.more_denials, ending.unseen_executions);
    }
    if json {
        emit(&outcome(ending));
    } else {
        tell_person(ending);
    }
}

/// As a line of `--json`.
fn outcome(ending: &Ending) -> Value {
    let mut outcome = ending.outcome.clone();
    outcome["type"] = json!("outcome");
    outcome
}

fn tell_person(ending: &Ending) {
    let end = &ending.end;
    let ended_at = end.exceeded.map(|breach| breach.limit);
    end.alerts.iter().filter(|alert| !alert.is_of(ended_at)).for_each(|alert| say_note(&alert.text()));
    end.rolled_back.iter().for_each(|back| say_note(&back.text()));
    end.not_rolled_back.iter().for_each(|failed| say_note(&not_gone_back(&failed.message)));
    if let Some(counted) = end.changed() {
        let counts = Counts {
            added: counted.added,
            modified: counted.modified,
            deleted: counted.deleted,
            unread: counted.unread,
        };
        let changes = Changes { counts, ..Changes::default() };
        say(&changes_text::block(&changes, Some(&ending.session)));
    }
}
