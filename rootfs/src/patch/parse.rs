//! From the bytes of a patch to what it says, once: what is checked and what is applied is this.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::class::{Class, Refusal};
use super::entry::{Body, Entry, How, Hunk};
use super::lines::{Lines, chomp, trim_end};
use super::traditional::{self, Strip};
use super::{binary, git, hunks};

/// How a patch is read, and how large it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// How many directories of each name are left out; as git does if nobody says it: one, and none from the
    /// first plain diff on that names no directory.
    pub strip: Option<usize>,
    /// Whether hunks without lines around them apply, at the line that they say and nowhere else.
    pub without_context: bool,
    /// Bytes of the patch.
    pub size: usize,
    /// Files that it may be about.
    pub files: usize,
    /// Bytes of all that it makes, and of all that it reads for that.
    pub made: usize,
}

/// A patch that was read, of which nothing was applied yet.
#[derive(Debug)]
pub struct Patch<'a> {
    pub(super) entries: Vec<Entry<'a>>,
    pub(super) reading: Reading,
}

impl<'a> Patch<'a> {
    /// Reads a patch. Whatever is refused here is refused for every project.
    pub fn read(bytes: &'a [u8], reading: Reading) -> Result<Self, Refusal> {
        if bytes.len() > reading.size {
            let reason = format!("it has {} bytes, and {} are permitted", bytes.len(), reading.size);
            return Err(Class::Size.refuse(reason));
        }
        let strip = Strip { number: reading.strip.unwrap_or(1), is_known: reading.strip.is_some() };
        let mut reader = Reader { lines: Lines::of(bytes), strip, reading, entries: Vec::new() };
        let mut script = None;
        while let Some(line) = reader.lines.peek() {
            let at = reader.lines.number();
            if !reader.read_entry(line)? {
                script = script.or(is_script(line).then_some(at));
                reader.lines.skip(line);
            }
        }
        let entries = reader.entries;
        if entries.is_empty() {
            return Err(match script {
                Some(at) => Class::Script.refuse("it is a script for `ed`").at(at),
                None => Class::Empty.refuse("there is no patch in it"),
            });
        }
        refuse_duplicates(&entries)?;
        Ok(Self { entries, reading })
    }
}

struct Reader<'a> {
    lines: Lines<'a>,
    strip: Strip,
    reading: Reading,
    entries: Vec<Entry<'a>>,
}

impl<'a> Reader<'a> {
    /// Reads what begins at `line`; false if that is talk around the patch.
    fn read_entry(&mut self, line: &'a [u8]) -> Result<bool, Refusal> {
        let at = self.lines.number();
        refuse_stray(line).map_err(|refusal| refusal.at(at))?;
        let second = self.lines.peek_second().unwrap_or_default();
        if line.starts_with(b"diff --git ") {
            return self.read_git(at);
        }
        if line.starts_with(b"*** ") && second.starts_with(b"--- ") {
            return Err(Class::Format.refuse("it is a context diff").at(at));
        }
        if !line.starts_with(b"--- ") || !second.starts_with(b"+++ ") {
            return Ok(false);
        }
        let mut ahead = self.lines;
        ahead.skip(line);
        let third = ahead.peek_second().unwrap_or_default();
        if is_script(third) {
            return Err(Class::Script.refuse("a script for `ed` follows the names").at(at + 2));
        }
        if !third.starts_with(b"@@ -") {
            return Ok(false);
        }
        let how = traditional::header(&mut self.lines, &mut self.strip)?;
        let hunks = hunks::hunks(&mut self.lines)?;
        let may_be_new = may_be_new(&hunks);
        let body = Body::Text(hunks);
        self.push(Entry { line: at, how, old_mode: None, new_mode: None, body, may_be_new })?;
        Ok(true)
    }

    fn read_git(&mut self, at: usize) -> Result<bool, Refusal> {
        let mut ahead = self.lines;
        let Some(header) = git::header(&mut ahead, self.strip.number)? else {
            // git writes such a line for a file whose time alone has changed.
            return Ok(false);
        };
        self.lines = ahead;
        let of_path = |refusal: Refusal| refusal.of(header.how.path());
        let body = self.body(header.blobs).map_err(|refusal| of_path(refusal).at(at))?;
        if matches!(body, Body::Nothing) && !header.does_something {
            return Err(Class::Empty.refuse("nothing follows the header").at(at).of(header.how.path()));
        }
        let (how, old_mode, new_mode) = (header.how, header.old_mode, header.new_mode);
        self.push(Entry { line: at, how, old_mode, new_mode, body, may_be_new: false })?;
        Ok(true)
    }

    fn body(&mut self, blobs: Option<[&'a [u8]; 2]>) -> Result<Body<'a>, Refusal> {
        let hunks = hunks::hunks(&mut self.lines)?;
        if !hunks.is_empty() {
            return Ok(Body::Text(hunks));
        }
        let Some(line) = self.lines.peek() else { return Ok(Body::Nothing) };
        let is_named = line.starts_with(b"Binary files ") || line.starts_with(b"Files ");
        if is_named && trim_end(line).ends_with(b" differ") {
            let reason = "the content of the binary file is not in it; `git diff --binary` has it";
            return Err(Class::Binary.refuse(reason));
        }
        if line != b"GIT binary patch\n" {
            return Ok(Body::Nothing);
        }
        self.lines.skip(line);
        let data = binary::packed(&mut self.lines, self.reading.made)?;
        match blobs.filter(|blobs| blobs.iter().all(|blob| blob.len() == 40)) {
            Some([old, new]) => Ok(Body::Binary { data, old, new }),
            None => Err(Class::Binary.refuse("a binary patch needs the whole names of both contents")),
        }
    }

    fn push(&mut self, entry: Entry<'a>) -> Result<(), Refusal> {
        if self.entries.len() >= self.reading.files {
            let reason = format!("it is about more than {} files", self.reading.files);
            return Err(Class::Size.refuse(reason).at(entry.line));
        }
        let at = entry.line;
        check(&entry).map_err(|refusal| refusal.at(at).of(entry.how.path()))?;
        self.entries.push(entry);
        Ok(())
    }
}

/// Pieces of a patch that stand where none can: somebody else might apply them.
fn refuse_stray(line: &[u8]) -> Result<(), Refusal> {
    if line.starts_with(b"@@ -") && hunks::is_head(line) {
        return Err(Class::Hunk.refuse("a hunk stands there without a header"));
    }
    if chomp(line) == b"GIT binary patch" {
        return Err(Class::Binary.refuse("binary data stand there without a header"));
    }
    if line.starts_with(b"diff --cc ") || line.starts_with(b"diff --combined ") || line.starts_with(b"@@@ -")
    {
        return Err(Class::Format.refuse("it is the diff of a merge, upon several files at once"));
    }
    Ok(())
}

/// A plain diff that only adds lines at the start may be about a file that is not there yet.
fn may_be_new(hunks: &[Hunk<'_>]) -> bool {
    matches!(hunks, [hunk] if hunk.old.is_empty() && hunk.old_start == 0)
}

/// What an entry says of itself must go together.
fn check(entry: &Entry<'_>) -> Result<(), Refusal> {
    let Body::Text(hunks) = &entry.body else { return Ok(()) };
    let lines = |side: fn(&Hunk<'_>) -> usize| hunks.iter().map(side).sum::<usize>();
    match entry.how {
        How::Create(_) if lines(|hunk| hunk.old.len()) > 0 => {
            Err(Class::Header.refuse("a file that is made has lines before"))
        }
        How::Delete(_) if lines(|hunk| hunk.new.len()) > 0 => {
            Err(Class::Header.refuse("a file that is deleted has lines afterwards"))
        }
        How::Create(_) | How::Delete(_) if hunks.len() > 1 => {
            Err(Class::Header.refuse("a file that is made or deleted has one hunk"))
        }
        _ => Ok(()),
    }
}

/// The paths are normal, so that two are the same if their bytes are. Every file is written once and removed once, and what is written is not removed afterwards. A file that
/// becomes a link, or the other way round, is deleted and then made.
fn refuse_duplicates(entries: &[Entry<'_>]) -> Result<(), Refusal> {
    let mut written: HashSet<&OsStr> = HashSet::with_capacity(entries.len());
    let mut removed: HashSet<&OsStr> = HashSet::new();
    for entry in entries {
        let twice = |path: &Path| {
            Class::Duplicate.refuse("another part of it is about the same file").at(entry.line).of(path)
        };
        if let Some(path) = entry.how.removed()
            && !removed.insert(path.as_os_str())
        {
            return Err(twice(path));
        }
        if let Some(path) = entry.how.target()
            && !written.insert(path.as_os_str())
        {
            return Err(twice(path));
        }
    }
    if removed.is_empty() {
        return Ok(());
    }
    // What stays under its name cannot be the one that goes.
    let in_place = entries.iter().filter(|entry| matches!(entry.how, How::Modify(_)));
    match in_place.map(|entry| (entry, entry.how.path())).find(|(_, path)| removed.contains(path.as_os_str()))
    {
        Some((entry, path)) => {
            Err(Class::Duplicate.refuse("it is changed and removed at once").at(entry.line).of(path))
        }
        None => refuse_deleted_after_made(entries),
    }
}

fn refuse_deleted_after_made(entries: &[Entry<'_>]) -> Result<(), Refusal> {
    let mut made: HashSet<&Path> = HashSet::new();
    for entry in entries {
        if let How::Delete(path) = &entry.how
            && made.contains(path.as_path())
        {
            let refusal = Class::Duplicate.refuse("it is made and then deleted");
            return Err(refusal.at(entry.line).of(path));
        }
        made.extend(entry.how.target());
    }
    Ok(())
}

/// A command of `ed`: `3d`, `1,4c`, `0a`.
fn is_script(line: &[u8]) -> bool {
    let Some((command, numbers)) = trim_end(line).split_last() else { return false };
    let is_number = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let mut parts = numbers.splitn(2, |&byte| byte == b',');
    matches!(command, b'a' | b'c' | b'd' | b'i' | b's') && parts.all(is_number) && !numbers.is_empty()
}
