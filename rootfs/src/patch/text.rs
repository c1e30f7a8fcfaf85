//! Hunks upon the lines of a file: found exactly, or at one other place and no more, or refused.

use std::cell::OnceCell;

use super::class::{Class, Refusal};
use super::entry::Hunk;

/// What became of a hunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The line of the file where it was found, from 1.
    pub line: usize,
    /// So many lines further down than the patch says; above if negative.
    pub offset: i64,
}

/// A hunk that was found, and the bytes of the file that its lines are.
pub(super) struct Found {
    pub(super) placed: Placed,
    from: usize,
    to: usize,
}

/// How many lines may be compared for one file, so that no patch keeps us busy.
const PATIENCE: usize = 20_000_000;

/// Lines are counted in blocks of so many bytes, which is done at once, up to the block that matters.
const BLOCK: usize = 512;

/// Finds all hunks in the content, in the order in which they stand.
pub(super) fn place(
    content: &[u8],
    hunks: &[Hunk<'_>],
    without_context: bool,
) -> Result<Vec<Found>, Refusal> {
    let lines = FileLines::of(content);
    let mut search = Search { lines: &lines, without_context, left: PATIENCE };
    let (mut found, mut done) = (Vec::with_capacity(hunks.len()), Place::default());
    for hunk in hunks {
        let at = search.find(hunk, done).map_err(|refusal| refusal.at(hunk.line))?;
        done = Place { line: at.line + hunk.old.len(), offset: at.offset + length(&hunk.old) };
        if hunk.new_ends && done.offset != content.len() {
            let reason = "the hunk says that the file ends with it, and the file goes on";
            return Err(Class::Mismatch.refuse(reason).at(hunk.line));
        }
        let offset = at.line as i64 - hunk.expected() as i64;
        let placed = Placed { line: at.line + 1, offset };
        found.push(Found { placed, from: at.offset, to: done.offset });
    }
    Ok(found)
}

/// Makes in `made`, which is empty, the content with the hunks applied that were found in it.
pub(super) fn apply(content: &[u8], hunks: &[Hunk<'_>], found: &[Found], made: &mut Vec<u8>) {
    made.reserve(length_after(content, hunks));
    let mut done = 0;
    for (hunk, found) in hunks.iter().zip(found) {
        made.extend_from_slice(&content[done..found.from]);
        hunk.new.iter().for_each(|line| made.extend_from_slice(line));
        done = found.to;
    }
    made.extend_from_slice(&content[done..]);
}

/// How long the content is with all hunks applied, which were found in it.
pub(super) fn length_after(content: &[u8], hunks: &[Hunk<'_>]) -> usize {
    let added: usize = hunks.iter().map(|hunk| length(&hunk.new)).sum();
    let removed: usize = hunks.iter().map(|hunk| length(&hunk.old)).sum();
    (content.len() + added).saturating_sub(removed)
}

fn length(lines: &[&[u8]]) -> usize {
    lines.iter().map(|line| line.len()).sum()
}

/// Where a line begins; the end of the file is where the next one would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    /// How many lines stand before it.
    line: usize,
    offset: usize,
}

/// A file, and where each of its lines begins, its end among them, once somebody has to know of all.
struct FileLines<'a> {
    content: &'a [u8],
    begins: OnceCell<Vec<usize>>,
}

impl<'a> FileLines<'a> {
    fn of(content: &'a [u8]) -> Self {
        Self { content, begins: OnceCell::new() }
    }

    fn begins(&self) -> &[usize] {
        self.begins.get_or_init(|| {
            // About as many as there are in most files, so that the list seldom grows.
            let mut begins = Vec::with_capacity(self.content.len() / 32 + 2);
            begins.push(0);
            begins.extend(memchr::memchr_iter(b'\n', self.content).map(|at| at + 1));
            if begins.last() != Some(&self.content.len()) {
                begins.push(self.content.len());
            }
            begins
        })
    }

    fn count(&self) -> usize {
        self.begins().len() - 1
    }

    fn place(&self, line: usize) -> Place {
        Place { line, offset: self.begins()[line] }
    }

    /// Goes on to a line; none if it lies before, or beyond the end.
    fn forward(&self, from: Place, line: usize) -> Option<Place> {
        let lines = line.checked_sub(from.line)?;
        let offset = match self.begins.get() {
            Some(begins) => *begins.get(line)?,
            None => from.offset + end_of(&self.content[from.offset..], lines)?,
        };
        Some(Place { line, offset })
    }
}

/// Where so many lines of a text end, of which only the last one may lack its newline.
fn end_of(text: &[u8], lines: usize) -> Option<usize> {
    if lines == 0 {
        return Some(0);
    }
    let (mut at, mut left) = (0, lines);
    while let Some(block) = text.get(at..at + BLOCK) {
        let here = memchr::memchr_iter(b'\n', block).count();
        if here >= left {
            break;
        }
        left -= here;
        at += BLOCK;
    }
    let end = memchr::memchr_iter(b'\n', &text[at..]).nth(left - 1);
    end.map(|end| at + end + 1).or_else(|| {
        let (whole, last) = (memchr::memchr_iter(b'\n', &text[at..]).count(), text.last());
        (whole + 1 == left && last.is_some_and(|last| *last != b'\n')).then_some(text.len())
    })
}

struct Search<'a> {
    lines: &'a FileLines<'a>,
    without_context: bool,
    left: usize,
}

impl Search<'_> {
    /// Where the hunk's lines begin, not before `from`.
    fn find(&mut self, hunk: &Hunk<'_>, from: Place) -> Result<Place, Refusal> {
        let expected = hunk.expected();
        // What begins at the first line, or has nothing after it, says where it must be found: a file that
        // has more there is another file.
        let at_start = hunk.old_start == 0 || (hunk.old_start == 1 && !self.without_context);
        let at_end = !self.without_context && hunk.trailing == 0;
        let has_context = hunk.leading > 0 || hunk.trailing > 0;
        if at_start || at_end {
            let last = if at_end { Some(self.last(hunk)?) } else { None };
            let at = last.filter(|_| !at_start).unwrap_or_default();
            let is_placed = at_start || has_context || at.line == expected;
            let is_there = at.line >= from.line && last.is_none_or(|last| at == last);
            let fits = is_there && is_placed && self.matches(hunk, at)?;
            return if fits { self.unless_joined(hunk, at) } else { Err(mismatch()) };
        }
        if let Some(at) = self.lines.forward(from, expected)
            && self.matches(hunk, at)?
        {
            return self.unless_joined(hunk, at);
        }
        // Without lines around it any other place would be a guess.
        if !has_context {
            return Err(mismatch());
        }
        self.only_other(hunk, from)
    }

    /// Where it would begin if the file ended with it.
    fn last(&self, hunk: &Hunk<'_>) -> Result<Place, Refusal> {
        let line = self.lines.count().checked_sub(hunk.old.len()).ok_or_else(mismatch)?;
        Ok(self.lines.place(line))
    }

    /// A hunk that only adds lines must not add them to one that has no newline.
    fn unless_joined(&self, hunk: &Hunk<'_>, at: Place) -> Result<Place, Refusal> {
        let before = &self.lines.content[..at.offset];
        let is_joined = hunk.old.is_empty() && before.last().is_some_and(|byte| *byte != b'\n');
        if is_joined { Err(mismatch()) } else { Ok(at) }
    }

    fn only_other(&mut self, hunk: &Hunk<'_>, from: Place) -> Result<Place, Refusal> {
        let mut found = None;
        for line in from.line..=self.last(hunk)?.line {
            let at = self.lines.place(line);
            if self.matches(hunk, at)? && found.replace(at).is_some() {
                let reason = "its lines are not where the hunk says, and at more than one other place";
                return Err(Class::Ambiguous.refuse(reason));
            }
        }
        found.ok_or_else(mismatch)
    }

    fn matches(&mut self, hunk: &Hunk<'_>, at: Place) -> Result<bool, Refusal> {
        let mut rest = &self.lines.content[at.offset..];
        let same = hunk.old.iter().take_while(|old| match rest.strip_prefix(**old) {
            // Where no newline ends it, the file does; and no line is empty to its last byte.
            Some(after) if old.ends_with(b"\n") || (after.is_empty() && !old.is_empty()) => {
                rest = after;
                true
            }
            _ => false,
        });
        let same = same.count();
        let spent = || Class::Size.refuse("to find its lines would take too long");
        self.left = self.left.checked_sub(same + 1).ok_or_else(spent)?;
        Ok(same == hunk.old.len())
    }
}

impl Hunk<'_> {
    /// The index of its first line, if the file is as the patch says.
    fn expected(&self) -> usize {
        if self.old.is_empty() { self.old_start } else { self.old_start.saturating_sub(1) }
    }
}

fn mismatch() -> Refusal {
    Class::Mismatch.refuse("the file has other lines than the hunk says")
}
