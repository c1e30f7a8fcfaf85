//! What came of a patch, for a person.

use std::fmt::Write as _;
use std::path::Path;

use clearing_profiles::{Risk, RiskLevel};

use crate::patch::PatchReport;
use crate::text::printable;

/// Paths and reasons that are told by name.
const NAMED: usize = 20;

/// A line a file: what is done, how many lines, and where a hunk was found elsewhere.
pub(super) fn files(report: &PatchReport) -> String {
    let mut text = String::new();
    for file in &report.files {
        let from = file.from.as_ref().map(|from| format!("{} -> ", printable(&from.0))).unwrap_or_default();
        let (path, verbs) = (printable(&file.path.0), file.verbs.join(", "));
        let _ = writeln!(text, "{from}{path}: {verbs}, +{} -{}", file.added, file.removed);
        for it in &file.offsets {
            let _ = writeln!(
                text,
                "  hunk {} was found at line {}, {:+} lines from where it says",
                it.hunk, it.line, it.offset
            );
        }
    }
    text
}

/// Whether it was accepted, and why not; and how closely it should be looked at.
pub(super) fn verdict(report: &PatchReport, risk: &Risk) -> String {
    let mut text = String::new();
    if report.is_accepted() {
        let (added, removed) = report.files.iter().fold((0, 0), |(a, r), it| (a + it.added, r + it.removed));
        let (files, level) = (report.files.len(), level(risk.level));
        let plural = if files == 1 { "file" } else { "files" };
        let _ = writeln!(text, "clearing: accepted: {files} {plural}, +{added} -{removed}; risk {level}");
    } else {
        let _ = writeln!(text, "clearing: refused, and nothing of it is applied");
    }
    for refused in report.refused.iter().take(NAMED) {
        let line = refused.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        let path = refused.path.as_ref().map(|path| format!("{}: ", printable(&path.0))).unwrap_or_default();
        // Names that the patch chose are in it.
        let reason = printable(Path::new(&refused.reason));
        let _ = writeln!(text, "  x {}: {line}{path}{reason}", refused.code);
    }
    more(&mut text, report.refused.len());
    if let Some(name) = report.refused.iter().find_map(|refused| refused.allow.as_deref()) {
        let _ = writeln!(text, "hint: look at it first; `--allow {name}` lets that pass");
    }
    for reason in risk.reasons.iter().take(NAMED) {
        let paths: Vec<String> = reason.paths.iter().take(3).map(|path| printable(Path::new(path))).collect();
        let rest = if reason.paths.len() > paths.len() { ", …" } else { "" };
        let of = if paths.is_empty() { String::new() } else { format!(": {}{rest}", paths.join(", ")) };
        let _ = writeln!(text, "  ! {}: {}{of}", level(reason.level), reason.reason);
    }
    text
}

fn more(text: &mut String, count: usize) {
    if count > NAMED {
        let _ = writeln!(text, "  and {} more", count - NAMED);
    }
}

fn level(level: RiskLevel) -> &'static str {
    match level {
        RiskLevel::Low => "low",
        RiskLevel::Medium => "medium",
        RiskLevel::High => "high",
        RiskLevel::Critical => "critical",
    }
}
