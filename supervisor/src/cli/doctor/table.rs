//! A diagnosis for people: a row for each fact and feature, and a verdict in the last line.

use std::fmt::Write as _;

use super::diagnosis::{Diagnosis, FeatureReport};
use crate::text::printable;

/// Renders without a final newline.
pub(super) fn render(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    facts(&mut text, diagnosis);
    text.push('\n');
    let mut last_hint = None;
    for report in &diagnosis.features {
        feature(&mut text, report);
        // One cause shows in many features; its remedy is told once.
        if report.hint.is_some() && report.hint.as_deref() != last_hint {
            hint(&mut text, report.hint.as_deref().unwrap_or_default());
            last_hint = report.hint.as_deref();
        }
    }
    text.push_str(if diagnosis.features.is_empty() { "" } else { "\n" });
    text.push_str(&verdict(diagnosis));
    text
}

fn facts(text: &mut String, diagnosis: &Diagnosis) {
    let state = &diagnosis.state_directory;
    let path = state.path.as_ref().map_or_else(String::new, |path| printable(&path.0));
    let notes = diagnosis.kernel_notes.join("; ");
    let newer = if notes.is_empty() { notes } else { format!(" (newer ones bring {notes})") };
    let surroundings = diagnosis.container.map_or("not in a container", |container| container.name());
    let caller = if diagnosis.uid == 0 { "root".to_owned() } else { format!("user {}", diagnosis.uid) };
    row(text, "caller", &caller);
    row(text, "kernel", &format!("{}{newer}", diagnosis.kernel));
    row(text, "system", &format!("{}, {surroundings}", named(&diagnosis.distribution)));
    row(text, "state directory", &format!("{path} on {}", named(&state.file_system)));
    if let Some(error) = &state.hint {
        hint(text, error);
    }
}

fn named(name: &str) -> &str {
    if name.is_empty() { "unknown" } else { name }
}

fn row(text: &mut String, name: &str, what: &str) {
    let _ = writeln!(text, "{name:17} {what}");
}

fn feature(text: &mut String, report: &FeatureReport) {
    let failure = report.failure.as_ref().map(|failure| failure.message.as_str());
    let what = report.detail.as_deref().or(failure).unwrap_or_default();
    let found = match (report.present, report.required) {
        (true, _) => "ok",
        (false, true) => "missing",
        (false, false) => "absent",
    };
    let _ = writeln!(text, "{:17} {found:8} {what}", report.feature);
}

fn hint(text: &mut String, hint: &str) {
    for (number, line) in hint.lines().enumerate() {
        let lead = if number == 0 { "  hint: " } else { "        " };
        let _ = writeln!(text, "{}", format!("{lead}{line}").trim_end());
    }
}

fn verdict(diagnosis: &Diagnosis) -> String {
    match &diagnosis.refused {
        None => "tier: namespaces".to_owned(),
        Some(why) => format!("refused: {why}"),
    }
}
