//! `--stat`: how many lines of each file changed.

use std::io::Write;

use clearing_rootfs::{Diff, DiffError, Entry, Kind, Size, WalkError};

use super::shown::PLAIN;
use crate::text::printable;

/// What git takes where there is no terminal.
const WIDTH: usize = 80;

/// The least that is left for the signs.
const SIGNS: usize = 10;

/// One line of the table.
struct Line {
    name: String,
    size: Size,
}

/// Writes the table and its sum. Returns what could not be read.
pub(super) fn write(diff: &Diff<'_>, color: bool, out: &mut dyn Write) -> Result<Vec<WalkError>, DiffError> {
    let (mut lines, mut unread) = (Vec::new(), Vec::new());
    // A note tells how much there is that git keeps to itself.
    for entry in diff.entries.iter().filter(|entry| !entry.is_refused_by_git()) {
        match diff.size(entry) {
            Ok(size) => lines.push(Line { name: name(entry), size }),
            Err(DiffError::Walk(error)) => unread.push(error),
            Err(error) => return Err(error),
        }
    }
    let table = Table::of(&lines, color);
    let written = lines.iter().try_for_each(|line| table.write(line, out));
    written.and_then(|()| sum(&lines, out)).map_err(DiffError::Write)?;
    Ok(unread)
}

fn name(entry: &Entry) -> String {
    let path = printable(&entry.path);
    let is_directory = entry.new.or(entry.old).is_some_and(|side| side.kind == Kind::Directory);
    match &entry.renamed {
        Some(renamed) => format!("{} => {path}", printable(&renamed.from)),
        None if is_directory => path + "/",
        None => path,
    }
}

struct Table {
    name: usize,
    number: usize,
    signs: usize,
    most: u64,
    color: bool,
}

impl Table {
    fn of(lines: &[Line], color: bool) -> Self {
        let counts = lines.iter().filter_map(|line| match line.size {
            Size::Lines { added, deleted } => Some(added + deleted),
            Size::Bytes { .. } | Size::Nothing => None,
        });
        let most = counts.max().unwrap_or(0);
        let is_binary = lines.iter().any(|line| matches!(line.size, Size::Bytes { .. }));
        let number = most.to_string().len().max(if is_binary { 3 } else { 1 });
        let name = lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
        let signs = WIDTH.saturating_sub(name + number + 5).max(SIGNS);
        Self { name, number, signs, most, color }
    }

    fn write(&self, line: &Line, out: &mut dyn Write) -> std::io::Result<()> {
        let Self { name, number, .. } = self;
        write!(out, " {:name$} | ", line.name)?;
        match line.size {
            Size::Nothing => writeln!(out, "{:>number$}", "-"),
            Size::Bytes { old, new } => writeln!(out, "{:>number$} {old} -> {new} bytes", "Bin"),
            Size::Lines { added, deleted } => {
                let [plus, minus] = self.signs(added, deleted);
                let text = format!("{:>number$} {}{}", added + deleted, self.plus(plus), self.minus(minus));
                writeln!(out, "{}", text.trim_end())
            }
        }
    }

    /// How many signs stand for the lines, of which each kind has one at least.
    fn signs(&self, added: u64, deleted: u64) -> [usize; 2] {
        let room = self.signs as u64;
        if self.most <= room {
            return [added as usize, deleted as usize];
        }
        let scaled = |count: u64| if count == 0 { 0 } else { 1 + (count * (room - 2) / self.most) as usize };
        [scaled(added), scaled(deleted)]
    }

    fn plus(&self, count: usize) -> String {
        self.colored("\x1b[32m", "+".repeat(count))
    }

    fn minus(&self, count: usize) -> String {
        self.colored("\x1b[31m", "-".repeat(count))
    }

    fn colored(&self, color: &str, signs: String) -> String {
        if self.color && !signs.is_empty() { format!("{color}{signs}{PLAIN}") } else { signs }
    }
}

fn sum(lines: &[Line], out: &mut dyn Write) -> std::io::Result<()> {
    let (mut added, mut deleted) = (0, 0);
    for line in lines {
        if let Size::Lines { added: more, deleted: less } = line.size {
            (added, deleted) = (added + more, deleted + less);
        }
    }
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    let files = lines.len() as u64;
    let mut text = format!(" {files} file{} changed", plural(files));
    // As git: a side without lines is named only where the other one has none either.
    if added > 0 || deleted == 0 {
        text += &format!(", {added} insertion{}(+)", plural(added));
    }
    if deleted > 0 || added == 0 {
        text += &format!(", {deleted} deletion{}(-)", plural(deleted));
    }
    if files == 0 { Ok(()) } else { writeln!(out, "{text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_sign_for_each_line_until_they_are_too_many() {
        let line = |name: &str, size| Line { name: name.into(), size };
        let mut lines = vec![
            line("a", Size::Lines { added: 3, deleted: 1 }),
            line("long/name", Size::Bytes { old: 0, new: 12 }),
            line("d/", Size::Nothing),
            line("mode", Size::Lines { added: 0, deleted: 0 }),
        ];
        let shown = |lines: &[Line]| {
            let mut out = Vec::new();
            let table = Table::of(lines, false);
            lines.iter().for_each(|line| table.write(line, &mut out).unwrap());
            sum(lines, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let expected = " a         |   4 +++-\n long/name | Bin 0 -> 12 bytes\n d/        |   -\n mode      |   0\n \
                        4 files changed, 3 insertions(+), 1 deletion(-)\n";
        assert_eq!(shown(&lines), expected);
        lines.push(line("many", Size::Lines { added: 1000, deleted: 1 }));
        let shown = shown(&lines);
        assert!(shown.lines().all(|line| line.len() <= WIDTH), "{shown}");
        assert!(shown.contains("++-\n"), "{shown}");
    }
}
