//! Hunks upon the lines of a file: found exactly, or at one other place and no more, or refused.

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

/// How many lines may be compared for one file, so that no patch keeps us busy.
const PATIENCE: usize = 20_000_000;

/// The content with all hunks applied, in the order in which they stand.
pub(super) fn apply(
    content: &[u8],
    hunks: &[Hunk<'_>],
    without_context: bool,
) -> Result<(Vec<u8>, Vec<Placed>), Refusal> {
    let lines = FileLines::of(content);
    let mut search = Search { lines: &lines, without_context, left: PATIENCE };
    let mut made = Vec::with_capacity(length_after(content, hunks));
    let (mut placed, mut done) = (Vec::with_capacity(hunks.len()), 0);
    for hunk in hunks {
        let at = search.find(hunk, done).map_err(|refusal| refusal.at(hunk.line))?;
        made.extend_from_slice(lines.range(done, at));
        hunk.new.iter().for_each(|line| made.extend_from_slice(line));
        done = at + hunk.old.len();
        if hunk.new_ends && done != lines.len() {
            let reason = "the hunk says that the file ends with it, and the file goes on";
            return Err(Class::Mismatch.refuse(reason).at(hunk.line));
        }
        let offset = at as i64 - hunk.expected() as i64;
        placed.push(Placed { line: at + 1, offset });
    }
    made.extend_from_slice(lines.range(done, lines.len()));
    Ok((made, placed))
}

/// What the content will be long if all hunks apply.
fn length_after(content: &[u8], hunks: &[Hunk<'_>]) -> usize {
    let of_all = |lines: &[&[u8]]| lines.iter().map(|line| line.len()).sum::<usize>();
    let added: usize = hunks.iter().map(|hunk| of_all(&hunk.new)).sum();
    let removed: usize = hunks.iter().map(|hunk| of_all(&hunk.old)).sum();
    (content.len() + added).saturating_sub(removed)
}

/// A file, and where each of its lines begins, its end among them.
struct FileLines<'a> {
    content: &'a [u8],
    begins: Vec<usize>,
}

impl<'a> FileLines<'a> {
    fn of(content: &'a [u8]) -> Self {
        // About as many as there are in most files, so that the list seldom grows.
        let mut begins = Vec::with_capacity(content.len() / 32 + 2);
        begins.push(0);
        begins.extend(memchr::memchr_iter(b'\n', content).map(|at| at + 1));
        if begins.last() != Some(&content.len()) {
            begins.push(content.len());
        }
        Self { content, begins }
    }

    fn len(&self) -> usize {
        self.begins.len() - 1
    }

    /// The lines from one to before another.
    fn range(&self, from: usize, to: usize) -> &'a [u8] {
        &self.content[self.begins[from]..self.begins[to]]
    }

    /// Each line from one on.
    fn from(&self, from: usize) -> impl Iterator<Item = &'a [u8]> {
        self.begins[from..].windows(2).map(|ends| &self.content[ends[0]..ends[1]])
    }
}

struct Search<'a> {
    lines: &'a FileLines<'a>,
    without_context: bool,
    left: usize,
}

impl Search<'_> {
    /// The index of the line where the hunk's lines begin, not before `from`.
    fn find(&mut self, hunk: &Hunk<'_>, from: usize) -> Result<usize, Refusal> {
        let expected = hunk.expected();
        // What begins at the first line, or has nothing after it, says where it must be found: a file that
        // has more there is another file.
        let at_start = hunk.old_start == 0 || (hunk.old_start == 1 && !self.without_context);
        let at_end = !self.without_context && hunk.trailing == 0;
        let last = self.lines.len().checked_sub(hunk.old.len()).ok_or_else(mismatch)?;
        let has_context = hunk.leading > 0 || hunk.trailing > 0;
        if at_start || at_end {
            let at = if at_start { 0 } else { last };
            let is_placed = at_start || has_context || at == expected;
            let fits = at >= from && (!at_end || at == last) && is_placed && self.matches(hunk, at)?;
            return if fits { self.unless_joined(hunk, at) } else { Err(mismatch()) };
        }
        if expected >= from && expected <= last && self.matches(hunk, expected)? {
            return self.unless_joined(hunk, expected);
        }
        // Without lines around it any other place would be a guess.
        if !has_context {
            return Err(mismatch());
        }
        self.only_other(hunk, from, last)
    }

    /// A hunk that only adds lines must not add them to one that has no newline.
    fn unless_joined(&self, hunk: &Hunk<'_>, at: usize) -> Result<usize, Refusal> {
        let before = at.checked_sub(1).map(|before| self.lines.range(before, at));
        let is_joined = hunk.old.is_empty() && before.is_some_and(|line| !line.ends_with(b"\n"));
        if is_joined { Err(mismatch()) } else { Ok(at) }
    }

    fn only_other(&mut self, hunk: &Hunk<'_>, from: usize, last: usize) -> Result<usize, Refusal> {
        let mut found = None;
        for at in from..=last {
            if self.matches(hunk, at)? && found.replace(at).is_some() {
                let reason = "its lines are not where the hunk says, and at more than one other place";
                return Err(Class::Ambiguous.refuse(reason));
            }
        }
        found.ok_or_else(mismatch)
    }

    fn matches(&mut self, hunk: &Hunk<'_>, at: usize) -> Result<bool, Refusal> {
        let there = self.lines.from(at).zip(&hunk.old);
        let same = there.take_while(|(line, old)| line == *old).count();
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
