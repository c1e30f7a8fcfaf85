//! The tools, with what a client and its model are told of each.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::CommitMode;
use super::arguments::{Commit, Diff, Input, Patch, Poll, Run, Start, Why};
use super::told::{Explained, Ran, Sent};
use crate::commit_report::CommitReport;
use crate::files::{ReadAnswer, ReadRequest, WriteAnswer, WriteRequest};
use crate::protocol::{Diffed, PatchTold, RolledBackTold, SnapshotCreate, SnapshotMade, SnapshotRollback};

/// What a tool does to the world, as MCP has it. All of it is closed: nothing beyond the sandbox is spoken to.
#[derive(Clone, Copy)]
enum Does {
    /// Nothing.
    Looks,
    /// Something in the session, which nobody loses anything by.
    Adds,
    /// Something in the session that may replace or remove what is there.
    Changes,
    /// The same, and once more does nothing more.
    Sets,
}

/// Their names.
pub(super) const NAMES: [&str; 12] = [
    "run",
    "exec_start",
    "exec_poll",
    "exec_input",
    "read_file",
    "write_file",
    "diff",
    "patch",
    "snapshot",
    "rollback",
    "commit",
    "why",
];

/// All of them.
pub(super) fn all(commit: CommitMode) -> Vec<Tool> {
    vec![
        tool::<Run, Ran>("run", "Run a command", RUN, Does::Changes),
        tool::<Start, Ran>("exec_start", "Start a command in the background", EXEC_START, Does::Changes),
        tool::<Poll, Ran>("exec_poll", "Hear of a command", EXEC_POLL, Does::Looks),
        tool::<Input, Sent>("exec_input", "Write to a command", EXEC_INPUT, Does::Changes),
        tool::<ReadRequest, ReadAnswer>("read_file", "Read a file", READ_FILE, Does::Looks),
        tool::<WriteRequest, WriteAnswer>("write_file", "Write a file", WRITE_FILE, Does::Changes),
        tool::<Diff, Diffed>("diff", "Show what changed", DIFF, Does::Looks),
        tool::<Patch, PatchTold>("patch", "Check or apply a patch", PATCH, Does::Changes),
        tool::<SnapshotCreate, SnapshotMade>("snapshot", "Name the present state", SNAPSHOT, Does::Adds),
        tool::<SnapshotRollback, RolledBackTold>("rollback", "Go back to a snapshot", ROLLBACK, Does::Sets),
        match commit {
            CommitMode::Allow => {
                tool::<Commit, CommitReport>("commit", "Land the changes", COMMIT, Does::Changes)
            }
            CommitMode::Refuse => {
                tool::<Commit, CommitReport>("commit", "Show what would land", COMMIT_REFUSED, Does::Looks)
            }
        },
        tool::<Why, Explained>("why", "Explain what was refused", WHY, Does::Looks),
    ]
}

fn tool<I: JsonSchema + 'static, O: JsonSchema + 'static>(
    name: &'static str,
    title: &str,
    description: &'static str,
    does: Does,
) -> Tool {
    let annotations = ToolAnnotations::with_title(title).open_world(false);
    let annotations = match does {
        Does::Looks => annotations.read_only(true).destructive(false).idempotent(true),
        Does::Adds => annotations.read_only(false).destructive(false).idempotent(false),
        Does::Changes => annotations.read_only(false).destructive(true).idempotent(false),
        Does::Sets => annotations.read_only(false).destructive(true).idempotent(true),
    };
    let input = form::<I>(SchemaSettings::draft2020_12().for_deserialize());
    let input = without_choice(without_session(input));
    let output = form::<O>(SchemaSettings::draft2020_12().for_serialize());
    Tool::new(name, description, Arc::new(input))
        .with_title(title)
        .with_raw_output_schema(Arc::new(output))
        .with_annotations(annotations)
}

/// The form of a type, made anew each time: a client asks once, and a megabyte would be kept for it.
fn form<T: JsonSchema>(settings: SchemaSettings) -> JsonObject {
    let mut form = settings.into_generator().into_root_schema_for::<T>().to_value();
    forget_widths(&mut form);
    let Value::Object(mut form) = form else { return JsonObject::new() };
    // Words for whoever reads the source.
    form.retain(|name, _| !matches!(name.as_str(), "title" | "description"));
    form
}

/// How wide a number is in our memory is nothing to JSON: validators warn of formats that they do not know.
fn forget_widths(form: &mut Value) {
    match form {
        Value::Object(members) => {
            members.retain(|name, value| name != "format" || !value.is_string());
            members.values_mut().for_each(forget_widths);
        }
        Value::Array(all) => all.iter_mut().for_each(forget_widths),
        _ => {}
    }
}

/// Of the methods' own parameters: there is one session, which nobody has to name.
fn without_session(mut schema: JsonObject) -> JsonObject {
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.remove("session");
    }
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| name != "session");
    }
    schema
}

/// What goes together the tool tells itself: many models are given no tool whose schema has a choice at its top.
fn without_choice(mut schema: JsonObject) -> JsonObject {
    schema.retain(|name, _| !matches!(name.as_str(), "oneOf" | "anyOf" | "allOf"));
    schema
}

const RUN: &str = "\
Runs a command in the sandbox, in the project's directory, and waits for its end. Give `shell` (a line for `sh -c`), \
`argv` (a program and its arguments), or `code` with `lang`. Files that it writes stay in the session; the real project \
is not touched. The first text of the answer tells how it ended, those after it what it said. A non-zero exit code is an \
ordinary result. Still running after `yieldMs`: `state` is `running`, and `exec_poll` hears the rest. `refused (CLR-…)` \
lines name what the user's rules do not permit and what would: do not try to get around them, `why` explains them.";
const EXEC_START: &str = "\
Starts a command, as `run` has it, and does not wait: for servers and other long work. What it leaves running lives on in \
the sandbox. `exec_poll` hears what it says, `exec_input` writes to it (with `input` or `terminal`) or ends it by a signal.";
const EXEC_POLL: &str = "\
What a command has said since it was last asked, and how it ended if it has. Waits up to `waitMs` for something new.";
const EXEC_INPUT: &str = "\
Writes to the standard input of a command that was started with `input` or `terminal`, ends its input, or sends it a \
signal: `INT` as by Ctrl-C, `TERM` and `KILL` to end it.";
const READ_FILE: &str = "\
Reads a file of the project as the session has it, or a part: `line` and `lines`, or `offset` and `maxBytes` (65536 \
unless said).";
const WRITE_FILE: &str = "\
Writes a whole file of the project in the session: `text`, or `bytes` in base64. Directories are made as needed. With \
`expected`, the `sha256` that `read_file` told, nothing is written if the file is another one by now.";
const DIFF: &str = "\
What the session changed of the project: names, and the lines as a patch. `from` and `to` compare snapshots.";
const PATCH: &str = "\
Applies a unified diff to the session, all of it or nothing; `check` only tells what it would do. Lines have to stand \
exactly where the patch says, or at one other place alone. A refusal names its reason.";
const SNAPSHOT: &str = "\
Gives the present state of the session a name, to `rollback` to. It costs next to nothing: take one before what may go \
wrong. Refused while commands run, unless `processes` is `stop`.";
const ROLLBACK: &str = "\
Takes the session back to a snapshot; `initial` is the project as it was. What would be lost is kept in a snapshot of its \
own, which the answer names. Refused while commands run, unless `processes` is `stop`.";
const COMMIT: &str = "\
Lands what the session changed in the user's real project, all of it or nothing. Look at `diff` first. What somebody \
else changed meanwhile is not overwritten: it is told as disputed, and `merge` merges text. Settings that run by \
themselves are withheld: only the user can land them.";
const COMMIT_REFUSED: &str = "\
Tells, with `dryRun`, what would land in the user's real project. The user has kept landing it to themselves: without \
`dryRun` this is refused. When the work is done, tell the user what `diff` shows; they land it by `clearing commit`.";
const WHY: &str = "\
Explains the last refusal or limit: what was wanted, which rule does not permit it, and the line of a profile that the \
user would add. With `argv`: what the rules say to a command, without running it.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_known_by_its_name_and_tells_what_it_takes_gives_and_does() {
        for commit in [CommitMode::Allow, CommitMode::Refuse] {
            let all = all(commit);
            assert_eq!(all.iter().map(|tool| &*tool.name).collect::<Vec<_>>(), NAMES);
            for tool in all {
                let input = serde_json::to_value(&*tool.input_schema).expect("a schema");
                assert_eq!(input["type"], "object", "{}", tool.name);
                assert_eq!(input["additionalProperties"], false, "{}", tool.name);
                assert!(!input.to_string().contains("session\":{"), "{input}");
                assert!(input.get("oneOf").is_none() && input.get("anyOf").is_none(), "{input}");
                let output = tool.output_schema.expect("an output schema");
                assert_eq!(output["type"], "object", "{}", tool.name);
                assert_eq!(tool.annotations.and_then(|it| it.open_world_hint), Some(false));
            }
        }
    }
}
