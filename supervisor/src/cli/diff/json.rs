//! `--json`: an object for each path, then one for each note, and one for the whole.

use std::io::Write;
use std::path::Path;

use clearing_rootfs::{Diff, DiffError, Entry, PathText, Side, Size, Status, WalkError};
use serde::Serialize;

use crate::compared::{kind_word, line_counts, mode_text, status_word};
use crate::protocol::LineCounts;

#[derive(Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "type")]
enum Line<'a> {
    Change {
        status: &'static str,
        path: PathText,
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<PathText>,
        /// Of a renamed file, in percent.
        #[serde(skip_serializing_if = "Option::is_none")]
        similarity: Option<u8>,
        old: Option<SideView>,
        new: Option<SideView>,
        /// Lines of text; none where it is no text, or could not be read.
        lines: Option<LineCounts>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        unread: bool,
    },
    /// What the text of the diff has no words for.
    Note {
        path: PathText,
        text: &'a str,
    },
    Summary(Summary),
}

#[derive(Serialize)]
struct SideView {
    kind: &'static str,
    /// In octal digits; none where it could not be read.
    mode: Option<String>,
    size: u64,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    added: u64,
    modified: u64,
    deleted: u64,
    renamed: u64,
    type_changed: u64,
    lines_added: u64,
    lines_deleted: u64,
}

/// Writes the lines. Returns what could not be read.
pub(super) fn write(diff: &Diff<'_>, out: &mut dyn Write) -> Result<Vec<WalkError>, DiffError> {
    let (mut summary, mut unread) = (Summary::default(), Vec::new());
    for entry in &diff.entries {
        let size = match diff.size(entry) {
            Err(DiffError::Walk(error)) => {
                unread.push(error);
                None
            }
            size => Some(size?),
        };
        summary.add(entry, size);
        write_line(&change(entry, size), out)?;
    }
    for untold in &diff.untold {
        write_line(&Line::Note { path: text(&untold.path), text: &untold.what }, out)?;
    }
    write_line(&Line::Summary(summary), out)?;
    Ok(unread)
}

fn write_line(line: &Line<'_>, out: &mut dyn Write) -> Result<(), DiffError> {
    let written = crate::text::json(line).map_err(std::io::Error::from);
    written.and_then(|line| writeln!(out, "{line}")).map_err(DiffError::Write)
}

fn change(entry: &Entry, size: Option<Size>) -> Line<'static> {
    Line::Change {
        status: status_word(entry.status()),
        path: text(&entry.path),
        from: entry.renamed.as_ref().map(|renamed| text(&renamed.from)),
        similarity: entry.renamed.as_ref().map(|renamed| renamed.similarity),
        old: entry.old.map(SideView::of),
        new: entry.new.map(SideView::of),
        lines: line_counts(size),
        unread: size.is_none(),
    }
}

impl SideView {
    fn of(side: Side) -> Self {
        Self { kind: kind_word(side.kind), mode: mode_text(side.mode), size: side.size }
    }
}

impl Summary {
    fn add(&mut self, entry: &Entry, size: Option<Size>) {
        let count = match entry.status() {
            Status::Added => &mut self.added,
            Status::Modified => &mut self.modified,
            Status::Deleted => &mut self.deleted,
            Status::Renamed => &mut self.renamed,
            Status::TypeChanged => &mut self.type_changed,
        };
        *count += 1;
        if let Some(Size::Lines { added, deleted }) = size {
            self.lines_added += added;
            self.lines_deleted += deleted;
        }
    }
}

fn text(path: &Path) -> PathText {
    PathText(path.to_owned())
}
