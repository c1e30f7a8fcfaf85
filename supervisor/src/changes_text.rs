//! The short block that tells what a command changed.

use std::fmt::Write as _;

use clearing_rootfs::{Change, Changes, Kind};

use crate::text::printable;

/// Paths that are told by name.
const NAMED: usize = 10;

/// What changed, in the view only; for a session also how to go on.
pub(crate) fn block(changes: &Changes, session: Option<&impl std::fmt::Display>) -> String {
    let counts = changes.counts;
    let mut text = match counts.added + counts.modified + counts.deleted {
        0 if counts.unread == 0 => "clearing: no changes; the project is untouched\n".to_owned(),
        0 => "clearing: what changed could not be read; the project is untouched\n".to_owned(),
        total => {
            let mut text = format!(
                "clearing: {} added, {} modified, {} deleted in the sandbox's view; the project is untouched\n",
                counts.added, counts.modified, counts.deleted
            );
            name(&mut text, changes, total);
            text
        }
    };
    for directory in changes.unread.iter().take(NAMED) {
        let _ = writeln!(text, "  ? {} could not be read", printable(directory));
    }
    let told = changes.unread.len().min(NAMED) as u64;
    if counts.unread > told {
        let _ = writeln!(text, "  ? and {} more", counts.unread - told);
    }
    if let Some(id) = session.filter(|_| !changes.is_empty()) {
        let _ = writeln!(text, "  `clearing diff {id}` shows them, `clearing commit {id}` takes them over");
    }
    text
}

fn name(text: &mut String, changes: &Changes, total: u64) {
    let signed = |sign: char, list: &'_ [Change]| {
        list.iter().map(move |change| (sign, change.clone())).collect::<Vec<_>>()
    };
    let all = [signed('+', &changes.added), signed('~', &changes.modified), signed('-', &changes.deleted)];
    let mut named = 0;
    for (sign, change) in all.iter().flatten().take(NAMED) {
        let slash = if change.kind == Kind::Directory { "/" } else { "" };
        let _ = writeln!(text, "  {sign} {}{slash}", printable(&change.path));
        named += 1;
    }
    // Where none is known by name, the numbers have said all.
    if named > 0 && total > named {
        let _ = writeln!(text, "  and {} more", total - named);
    }
}
