//! The session's history and its way into the project.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::CommitMode;
use super::arguments::{Commit, Diff, Patch};
use super::output::{MOST, USUAL, shown, whole};
use super::run::{map, read};
use super::session::Desk;
use super::told::Told;
use crate::commit_report::CommitReport;
use crate::commit_text;
use crate::protocol::{Content, Fault, ProcessesMode, content};
use crate::text::line;

/// Names that are told in words; data has all of them.
const NAMED: usize = 200;

/// What the session changed.
pub(super) async fn diff(desk: &Desk, asked: Diff) -> Result<Told, Fault> {
    let Diff { from, to, paths, summary, max_bytes } = asked;
    let params = map(json!({ "from": from, "to": to, "paths": paths, "patch": !summary }));
    let mut diffed: Value = read(&desk.ask("changes/diff", params).await?)?;
    let most = usize::try_from(max_bytes.unwrap_or(USUAL).min(MOST)).unwrap_or(usize::MAX);
    let patch = cut(&mut diffed, most);
    let mut lines: Vec<String> = members(&diffed, "changes").iter().take(NAMED).map(change).collect();
    if lines.is_empty() {
        lines.push("nothing is changed".into());
    }
    let more = members(&diffed, "changes").len().saturating_sub(NAMED);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.extend(
        members(&diffed, "notes").iter().filter_map(Value::as_str).map(|note| format!("note: {note}")),
    );
    let told = Told::new(&diffed, lines.iter().map(|one| line(one)).collect::<Vec<_>>().join("\n"));
    Ok(match patch {
        Some((patch, false)) => told.and(patch),
        Some((patch, true)) => {
            told.and(format!("{patch}\n[… cut here: ask for `paths`, or for more `maxBytes` …]"))
        }
        None => told,
    })
}

/// Takes what is too long off the patch, and gives it as it is read, and whether it was cut.
fn cut(diffed: &mut Value, most: usize) -> Option<(String, bool)> {
    let told = diffed.as_object_mut()?;
    let [text, bytes] = ["text", "bytes"].map(|name| match told.remove(name) {
        Some(Value::String(content)) => Some(content),
        _ => None,
    });
    // In base64, where the project has files whose text is no UTF-8.
    let is_text = text.is_some();
    let mut patch = content(text, bytes.as_deref()).ok()?;
    let mut is_cut = told.get("truncated") == Some(&Value::Bool(true));
    if patch.len() > most {
        patch.truncate(most);
        patch.truncate(patch.iter().rposition(|byte| *byte == b'\n').map_or(whole(&patch), |at| at + 1));
        is_cut = true;
    }
    let text = if is_text { shown(&patch) } else { "the patch is no UTF-8".to_owned() };
    told.insert("truncated".into(), is_cut.into());
    // Of what is plain data nothing fails.
    if let Ok(Value::Object(content)) = serde_json::to_value(Content::owned(patch)) {
        told.extend(content);
    }
    (!text.is_empty()).then_some((text, is_cut))
}

fn change(change: &Value) -> String {
    let word = |name: &str| change[name].as_str().unwrap_or("?");
    let lines = &change["lines"];
    let lines = match (lines["added"].as_u64(), lines["deleted"].as_u64()) {
        (Some(added), Some(deleted)) => format!(" (+{added} -{deleted})"),
        _ => String::new(),
    };
    let from = change["from"].as_str().map(|from| format!("{from} -> ")).unwrap_or_default();
    format!("{} {from}{}{lines}", word("status"), word("path"))
}

/// Checks a patch, or applies it as a whole.
pub(super) async fn patch(desk: &Desk, asked: Patch) -> Result<Told, Fault> {
    let Patch { text, check, strip, processes } = asked;
    let mut params = map(json!({ "text": text, "strip": strip }));
    let method = match check {
        true => "patch/check",
        false => {
            params.insert("processes".into(), json!(processes));
            "patch/apply"
        }
    };
    let told: Value = read(&desk.ask(method, params).await?)?;
    let is_refused = told["accepted"] != true;
    let text = patched(&told);
    Ok(Told { is_error: is_refused, ..Told::new(&told, text) })
}

fn patched(told: &Value) -> String {
    let mut text = match (told["accepted"] == true, told["applied"] == true) {
        (_, true) => "applied to the session".to_owned(),
        (true, false) => "it would be applied; nothing has happened".to_owned(),
        (false, false) => "refused, and nothing of it is applied".to_owned(),
    };
    for file in members(told, "files").iter().take(NAMED) {
        let verbs: Vec<&str> = members(file, "verbs").iter().filter_map(Value::as_str).collect();
        let path = line(file["path"].as_str().unwrap_or("?"));
        let _ = write!(text, "\n{path}: {}, +{} -{}", verbs.join(", "), file["added"], file["removed"]);
        for offset in members(file, "offsets") {
            let _ = write!(text, "\n  hunk {} was found at line {}", offset["hunk"], offset["line"]);
        }
    }
    for refused in members(told, "refused").iter().take(NAMED) {
        let word = |name: &str| refused[name].as_str().map(|word| format!("{word}: ")).unwrap_or_default();
        let at = refused["line"].as_u64().map(|at| format!("line {at}: ")).unwrap_or_default();
        let reason = refused["reason"].as_str().unwrap_or("?");
        let _ = write!(text, "\n{}", line(&format!("{}{at}{}{reason}", word("code"), word("path"))));
    }
    if let Some(level) = told["risk"]["level"].as_str() {
        let _ = write!(text, "\nrisk: {level}");
    }
    text
}

/// Names the present state.
pub(super) async fn snapshot(desk: &Desk, params: Map<String, Value>) -> Result<Told, Fault> {
    let made = desk.ask("snapshot/create", params).await?;
    let made: Value = read(&made)?;
    let all: Value = read(&desk.ask("snapshot/list", Map::new()).await?)?;
    let name = |snapshot: &Value| snapshot["snapshot"].as_str().unwrap_or("?").to_owned();
    let names: Vec<String> = members(&all, "snapshots").iter().map(name).collect();
    let text = format!("the present state is snapshot `{}`; there are: {}", name(&made), names.join(", "));
    Ok(Told::new(&made, line(&text)))
}

/// Goes back to a snapshot.
pub(super) async fn rollback(desk: &Desk, params: Map<String, Value>) -> Result<Told, Fault> {
    let told: Value = read(&desk.ask("snapshot/rollback", params).await?)?;
    let kept = told["backup"].as_str();
    let kept = kept
        .map_or("nothing was lost by it".to_owned(), |name| format!("what was there is kept as `{name}`"));
    let text = format!("the session is as it was at `{}`; {kept}", told["snapshot"].as_str().unwrap_or("?"));
    Ok(Told::new(&told, line(&text)))
}

/// Lands what the session changed in the project, or tells what would land, where the user lets a model do no more.
pub(super) async fn commit(desk: &Desk, asked: Commit, mode: CommitMode) -> Result<Told, Fault> {
    let Commit { dry_run, only, merge, processes } = asked;
    if dry_run && processes == ProcessesMode::Stop {
        return Err(Fault::params(
            "`processes` cannot be `stop` with `dryRun`: looking at what would land ends nothing",
        ));
    }
    if mode == CommitMode::Refuse && !dry_run {
        let session = desk.begun().await;
        let id = session.as_deref().unwrap_or("SESSION");
        let fault =
            Fault::refused("CLR-COMMIT-USER", "whether it lands in the project is for the user to say");
        return Err(fault.with_hint(format!(
            "`dryRun` tells what would land; tell the user, who looks at it by `clearing diff {id}`, lands it by \
             `clearing commit {id}` once this server has ended or beside it, or starts it with `--commit allow`"
        )));
    }
    let params = json!({ "dryRun": dry_run, "only": only, "merge": merge, "processes": processes });
    let said = desk.ask("changes/commit", map(params)).await?;
    let report: CommitReport = read(&said)?;
    let mut text = commit_text::block(&report, dry_run);
    if !report.withheld.is_empty() {
        text += "what is withheld only the user can land, on the command line\n";
    }
    let is_error = report.refused && !dry_run;
    Ok(Told { is_error, ..Told::new(&read::<Value>(&said)?, crate::text::plain(text.trim_end())) })
}

fn members<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}
