//! The short block that tells what a commit came to.

use std::fmt::Write as _;
use std::path::Path;

use clearing_rootfs::{Action, Did, Differs, Kind};

use crate::commit_report::{CommitReport, ConflictReport, LandingReport, WithheldReport};
use crate::text::printable;

/// Paths of a kind that are told by name.
const NAMED: usize = 20;

/// What landed, what stayed behind and why, and what is disputed.
pub(crate) fn block(plan: &CommitReport, dry_run: bool) -> String {
    let mut text = headline(plan, plan.landed, dry_run);
    if !plan.refused {
        list(&mut text, &plan.lands, landing);
    }
    text += &conflicts(plan);
    text += &withheld(plan);
    list(&mut text, &plan.told, |told| {
        let path = printable(&told.path.0);
        match told.difference {
            Differs::BitsStripped => {
                format!("  ! {path}: without its set-user-ID, set-group-ID or sticky bit")
            }
            Differs::HardLinkParted => format!("  ! {path}: as a file of its own, not a hard link"),
            Differs::DirectoryKept => format!("  ! {path}: the directory stays, since something in it does"),
        }
    });
    for note in &plan.notes {
        let _ = writeln!(text, "  ! {}", printable(Path::new(note)));
    }
    for left in &plan.left {
        let _ = writeln!(text, "  ! {}: could not be removed, and is tried again", printable(&left.0));
    }
    text
}

/// What would land and what would not, before somebody is asked.
pub(crate) fn would_land(plan: &CommitReport) -> String {
    let mut text = headline(plan, false, true);
    list(&mut text, &plan.lands, landing);
    text + &withheld(plan)
}

/// What stays behind, and how it could land.
pub(crate) fn withheld(plan: &CommitReport) -> String {
    let mut text = String::new();
    if plan.withheld.is_empty() {
        return text;
    }
    let _ = writeln!(text, "clearing: {} withheld", plan.withheld.len());
    list(&mut text, &plan.withheld, |it: &WithheldReport| {
        // The target of a link is in it, with lines that would be taken for ours.
        format!("  x {}: {}", printable(&it.path.0), printable(Path::new(&it.reason)))
    });
    let mut allow: Vec<&str> = plan.withheld.iter().filter_map(|it| it.allow.as_deref()).collect();
    allow.sort_unstable();
    allow.dedup();
    if let [name, ..] = allow.as_slice() {
        let _ = writeln!(text, "hint: look at it first; `--allow {name}` lets that land");
    }
    text
}

fn headline(plan: &CommitReport, landed: bool, dry_run: bool) -> String {
    let count = |action| plan.lands.iter().filter(|it| it.action == action).count();
    let numbers = format!(
        "{} made, {} changed, {} deleted",
        count(Action::Make),
        count(Action::Replace) + count(Action::Mode),
        count(Action::Delete)
    );
    let rest =
        if plan.not_chosen > 0 { format!("; {} not asked for", plan.not_chosen) } else { String::new() };
    match (plan.refused, plan.lands.is_empty()) {
        (true, _) => "clearing: nothing landed; the project changed since the session saw it\n".to_owned(),
        (_, true) => format!("clearing: nothing to land{rest}\n"),
        _ if landed => format!("clearing: landed: {numbers}{rest}\n"),
        _ if dry_run => format!("clearing: would land: {numbers}{rest}\n"),
        _ => format!("clearing: nothing landed; {numbers} could{rest}\n"),
    }
}

fn conflicts(plan: &CommitReport) -> String {
    let mut text = String::new();
    if plan.conflicts.is_empty() {
        return text;
    }
    let _ = writeln!(text, "clearing: {} disputed", plan.conflicts.len());
    list(&mut text, &plan.conflicts, |it: &ConflictReport| {
        let (session, project) = (did(it.session), did(it.project));
        format!("  ? {}: the session {session} it, the project {project}", printable(&it.path.0))
    });
    text += "hint: `--merge` merges text; `--only` lands the rest; `clearing discard` gives the session up\n";
    text
}

fn did(what: Did) -> &'static str {
    match what {
        Did::Added => "added",
        Did::Changed => "changed",
        Did::Deleted => "deleted",
        Did::ChangedMeanwhile => "changed while the command ran",
        Did::Unrecorded => "was not recorded",
    }
}

fn landing(it: &LandingReport) -> String {
    let sign = match it.action {
        Action::Make => '+',
        Action::Replace | Action::Mode => '~',
        Action::Delete => '-',
    };
    let slash = if it.kind == Kind::Directory { "/" } else { "" };
    let merged = if it.merged { " (merged)" } else { "" };
    format!("  {sign} {}{slash}{merged}", printable(&it.path.0))
}

fn list<T>(text: &mut String, all: &[T], line: impl Fn(&T) -> String) {
    for one in all.iter().take(NAMED) {
        let _ = writeln!(text, "{}", line(one));
    }
    if all.len() > NAMED {
        let _ = writeln!(text, "  and {} more", all.len() - NAMED);
    }
}
