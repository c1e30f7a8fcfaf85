//! Hunks: `@@ -old +new @@` and the lines that these numbers count.

use super::class::{Class, Refusal};
use super::entry::Hunk;
use super::lines::{Lines, chomp};

/// Room is made for so many lines at most, whatever the numbers promise.
const MANY: usize = 64;

/// What the numbers after `@@` say.
#[derive(Clone, Copy)]
struct Range {
    start: usize,
    lines: usize,
}

/// Reads all hunks that follow one another.
pub(super) fn hunks<'a>(lines: &mut Lines<'a>) -> Result<Vec<Hunk<'a>>, Refusal> {
    let mut hunks = Vec::new();
    while let Some(line) = lines.peek().filter(|line| line.starts_with(b"@@ -")) {
        let at = lines.number();
        let (old, new) = ranges(line).ok_or_else(|| unreadable().at(at))?;
        lines.skip(line);
        hunks.push(Reader::new(at, old, new).read(lines)?);
    }
    if !hunks.is_empty() {
        refuse_more_lines(lines)?;
    }
    Ok(hunks)
}

/// Whether a line is the head of a hunk.
pub(super) fn is_head(line: &[u8]) -> bool {
    ranges(line).is_some()
}

fn unreadable() -> Refusal {
    Class::Hunk.refuse("the numbers of the hunk cannot be read")
}

fn ranges(line: &[u8]) -> Option<(Range, Range)> {
    let (old, rest) = range(line.strip_prefix(b"@@ -")?)?;
    let (new, rest) = range(rest.strip_prefix(b" +")?)?;
    rest.starts_with(b" @@").then_some((old, new))
}

fn range(text: &[u8]) -> Option<(Range, &[u8])> {
    let (start, rest) = number(text)?;
    match rest.strip_prefix(b",") {
        Some(rest) => number(rest).map(|(lines, rest)| (Range { start, lines }, rest)),
        None => Some((Range { start, lines: 1 }, rest)),
    }
}

/// More digits than fit are no number.
fn number(text: &[u8]) -> Option<(usize, &[u8])> {
    let digits = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let value = std::str::from_utf8(&text[..digits]).ok()?.parse::<u32>().ok()?;
    Some((value as usize, &text[digits..]))
}

/// A hunk whose lines are being read.
struct Reader<'a> {
    hunk: Hunk<'a>,
    old_left: usize,
    new_left: usize,
    /// Which sides the last line belongs to.
    last: (bool, bool),
}

impl<'a> Reader<'a> {
    fn new(line: usize, old: Range, new: Range) -> Self {
        let hunk = Hunk {
            line,
            old_start: old.start,
            old: Vec::with_capacity(old.lines.min(MANY)),
            new: Vec::with_capacity(new.lines.min(MANY)),
            added: 0,
            removed: 0,
            leading: 0,
            trailing: 0,
            old_ends: false,
            new_ends: false,
        };
        Self { hunk, old_left: old.lines, new_left: new.lines, last: (false, false) }
    }

    fn read(mut self, lines: &mut Lines<'a>) -> Result<Hunk<'a>, Refusal> {
        while self.old_left > 0 || self.new_left > 0 {
            let at = lines.number();
            let line = lines.next().ok_or_else(|| self.fewer().at(at))?;
            self.take(line).map_err(|refusal| refusal.at(at))?;
        }
        if let Some(line) = lines.peek().filter(|line| is_no_newline(line)) {
            let at = lines.number();
            lines.skip(line);
            self.end_without_newline().map_err(|refusal| refusal.at(at))?;
        }
        if self.hunk.added == 0 && self.hunk.removed == 0 {
            return Err(Class::Hunk.refuse("the hunk changes nothing").at(self.hunk.line));
        }
        Ok(self.hunk)
    }

    fn take(&mut self, line: &'a [u8]) -> Result<(), Refusal> {
        if is_no_newline(line) {
            return self.end_without_newline();
        }
        if !line.ends_with(b"\n") {
            return Err(self.fewer());
        }
        match line[0] {
            b' ' => self.both(&line[1..]),
            // An empty line of the file, from which a blank was lost at its end.
            b'\n' => self.both(line),
            b'-' => self.only(&line[1..], true),
            b'+' => self.only(&line[1..], false),
            _ => Err(self.fewer()),
        }
    }

    fn both(&mut self, text: &'a [u8]) -> Result<(), Refusal> {
        self.count((true, true))?;
        self.hunk.old.push(text);
        self.hunk.new.push(text);
        if self.hunk.added == 0 && self.hunk.removed == 0 {
            self.hunk.leading += 1;
        }
        self.hunk.trailing += 1;
        Ok(())
    }

    fn only(&mut self, text: &'a [u8], old: bool) -> Result<(), Refusal> {
        self.count((old, !old))?;
        self.hunk.trailing = 0;
        if old {
            self.hunk.old.push(text);
            self.hunk.removed += 1;
        } else {
            self.hunk.new.push(text);
            self.hunk.added += 1;
        }
        Ok(())
    }

    /// Takes a line off what the numbers promised.
    fn count(&mut self, (old, new): (bool, bool)) -> Result<(), Refusal> {
        if old && self.hunk.old_ends || new && self.hunk.new_ends {
            return Err(Class::Hunk.refuse("a line follows one that is said to be the file's last"));
        }
        let left = |count: usize, takes: bool| count.checked_sub(usize::from(takes));
        let (Some(old_left), Some(new_left)) = (left(self.old_left, old), left(self.new_left, new)) else {
            return Err(Class::Count.refuse("the hunk has more lines than its numbers say"));
        };
        (self.old_left, self.new_left, self.last) = (old_left, new_left, (old, new));
        Ok(())
    }

    /// `\ No newline at end of file`, in any language, is about the line before it.
    fn end_without_newline(&mut self) -> Result<(), Refusal> {
        let (old, new) = self.last;
        let again = old && self.hunk.old_ends || new && self.hunk.new_ends;
        if again || !(old || new) {
            return Err(Class::Hunk.refuse("no line stands before the one that says it has no newline"));
        }
        let side = |takes: bool, lines: &mut Vec<&'a [u8]>, ends: &mut bool| {
            if let Some(last) = lines.last_mut().filter(|_| takes) {
                *last = chomp(last);
                *ends = true;
            }
        };
        side(old, &mut self.hunk.old, &mut self.hunk.old_ends);
        side(new, &mut self.hunk.new, &mut self.hunk.new_ends);
        Ok(())
    }

    fn fewer(&self) -> Refusal {
        Class::Count.refuse("the hunk has fewer lines than its numbers say")
    }
}

/// git takes whatever is as long as any translation of it.
fn is_no_newline(line: &[u8]) -> bool {
    line.starts_with(b"\\ ") && line.len() >= 12
}

/// Lines right behind a hunk that look as its own were left out of its numbers. `-- ` begins the signature
/// of a mail, and `--- ` the next file.
fn refuse_more_lines(lines: &Lines<'_>) -> Result<(), Refusal> {
    let Some(line) = lines.peek() else { return Ok(()) };
    let more = match line[0] {
        b'+' | b' ' | b'\\' => true,
        b'-' => !matches!(line, b"-- \n" | b"--\n" | b"-- \r\n" | b"--\r\n") && !line.starts_with(b"--- "),
        _ => false,
    };
    let refusal = || Class::Count.refuse("more lines of a hunk follow than its numbers say");
    if more { Err(refusal().at(lines.number())) } else { Ok(()) }
}
