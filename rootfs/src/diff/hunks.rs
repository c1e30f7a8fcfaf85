//! The lines of two texts that differ, gathered with those around them.

use std::io;
use std::ops::Range;

use imara_diff::{Algorithm, Diff, Hunk, InternedInput};

use super::lines::{Lines, Part};

/// Lines that are shown around a change.
const CONTEXT: u32 = 3;

/// The difference of two texts, by line.
pub(super) struct LineDiff<'a> {
    input: InternedInput<&'a [u8]>,
    diff: Diff,
}

impl<'a> LineDiff<'a> {
    pub(super) fn of(old: &'a [u8], new: &'a [u8]) -> Self {
        let input = InternedInput::new(old, new);
        let mut diff = Diff::compute(Algorithm::Histogram, &input);
        diff.postprocess_lines(&input);
        Self { input, diff }
    }

    /// How many lines are deleted and added.
    pub(super) fn counts(&self) -> (u64, u64) {
        (u64::from(self.diff.count_removals()), u64::from(self.diff.count_additions()))
    }

    /// Writes the hunks as `diff -u` and git do.
    pub(super) fn write(&self, out: &mut dyn Lines) -> io::Result<()> {
        let mut group: Vec<Hunk> = Vec::new();
        for hunk in self.diff.hunks() {
            // Changes whose lines around would touch are one hunk.
            if group.last().is_some_and(|last| hunk.before.start - last.before.end > 2 * CONTEXT) {
                self.write_group(&group, out)?;
                group.clear();
            }
            group.push(hunk);
        }
        self.write_group(&group, out)
    }

    fn write_group(&self, group: &[Hunk], out: &mut dyn Lines) -> io::Result<()> {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { return Ok(()) };
        let lead = first.before.start.min(CONTEXT);
        let tail = (self.input.before.len() as u32 - last.before.end).min(CONTEXT);
        let old = first.before.start - lead..last.before.end + tail;
        let new = first.after.start - lead..last.after.end + tail;
        let head = format!("@@ -{} +{} @@", range(&old), range(&new));
        out.line(Part::Hunk, head.as_bytes())?;
        let mut at = old.start;
        for hunk in group {
            self.write_lines(Part::Context, at..hunk.before.start, out)?;
            self.write_lines(Part::Old, hunk.before.clone(), out)?;
            self.write_lines(Part::New, hunk.after.clone(), out)?;
            at = hunk.before.end;
        }
        self.write_lines(Part::Context, at..old.end, out)
    }

    fn write_lines(&self, part: Part, lines: Range<u32>, out: &mut dyn Lines) -> io::Result<()> {
        let (sign, tokens) = match part {
            Part::New => (b'+', &self.input.after),
            Part::Old => (b'-', &self.input.before),
            _ => (b' ', &self.input.before),
        };
        let mut text = Vec::new();
        for token in &tokens[lines.start as usize..lines.end as usize] {
            let line = self.input.interner[*token];
            let ended = line.strip_suffix(b"\n");
            text.clear();
            text.push(sign);
            text.extend_from_slice(ended.unwrap_or(line));
            out.line(part, &text)?;
            if ended.is_none() {
                out.line(Part::Context, b"\\ No newline at end of file")?;
            }
        }
        Ok(())
    }
}

/// The range as `diff -u` writes it: counted from one, with the line before where there is none.
fn range(lines: &Range<u32>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        count => format!("{},{count}", lines.start + 1),
    }
}
