//! The text of a diff: what `git diff --binary` would write, so that `git apply` takes it.

use std::path::Path;

use super::binary::{NO_BLOB, blob_of, blob_of_side, write_literal};
use super::content::Content;
use super::hunks::LineDiff;
use super::lines::{Lines, Part};
use super::paths::quoted;
use super::{Diff, DiffError, Entry, Side, Status};
use crate::walk::WalkError;

/// How files that are no text are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// As a patch, which `git apply` takes.
    Patch,
    /// By a line that says so, for somebody who reads.
    Named,
}

impl Diff<'_> {
    /// Writes all entries, and before them what they cannot say.
    ///
    /// Returns the paths that could not be read; a comment stands in the place of each.
    pub fn write(&self, binary: Binary, out: &mut dyn Lines) -> Result<Vec<WalkError>, DiffError> {
        for untold in &self.untold {
            out.line(Part::Note, &untold.line()).map_err(DiffError::Write)?;
        }
        let mut unread = Vec::new();
        for entry in &self.entries {
            if entry.refused_by_git().is_some() || entry.is_too_large() {
                continue;
            }
            match self.write_entry(entry, binary, out) {
                Err(DiffError::Walk(error)) => {
                    let note = [b"# ", &*quoted("", &entry.path), b" could not be read and is left out"];
                    out.line(Part::Note, &note.concat()).map_err(DiffError::Write)?;
                    unread.push(error);
                }
                written => written?,
            }
        }
        Ok(unread)
    }

    fn write_entry(&self, entry: &Entry, binary: Binary, out: &mut dyn Lines) -> Result<(), DiffError> {
        let sayable = |side: Option<Side>| side.filter(|side| side.git_mode().is_some());
        let (old, new) = (sayable(entry.old), sayable(entry.new));
        let write = |old, new, out: &mut dyn Lines| Patch { diff: self, entry, old, new }.write(binary, out);
        if old.is_none() && new.is_none() {
            return Ok(());
        }
        // Another type is a deletion and an addition, and so it is where git has no words for one side.
        if entry.status() == Status::TypeChanged && old.is_some() && new.is_some() {
            write(old, None, out)?;
            return write(None, new, out);
        }
        write(old, new, out)
    }
}

/// One `diff --git`.
struct Patch<'a> {
    diff: &'a Diff<'a>,
    entry: &'a Entry,
    old: Option<Side>,
    new: Option<Side>,
}

impl Patch<'_> {
    fn write(&self, binary: Binary, out: &mut dyn Lines) -> Result<(), DiffError> {
        let old = self.diff.content_of(self.diff.old, self.entry.old_path(), self.old.as_ref())?;
        let new = self.diff.content_of(self.diff.new, &self.entry.path, self.new.as_ref())?;
        match (old, new) {
            (Content::Text(old), Content::Text(new)) => {
                let blob = |side: Option<Side>, content: &[u8]| {
                    side.map_or(NO_BLOB.to_owned(), |_| blob_of(content))
                };
                // As short as git has them; no text is applied by the name of its content.
                let blobs = [blob(self.old, &old), blob(self.new, &new)].map(|name| name[..10].to_owned());
                self.write_head(&blobs, old != new, out)?;
                self.write_text(&old, &new, out)
            }
            _ => self.write_binary(binary, out),
        }
    }

    fn write_text(&self, old: &[u8], new: &[u8], out: &mut dyn Lines) -> Result<(), DiffError> {
        if old == new {
            return Ok(());
        }
        let name = |sign: &str, prefix: &str, path: &Path, side: Option<Side>| match side {
            None => format!("{sign} /dev/null").into_bytes(),
            Some(_) => {
                let name = quoted(prefix, path);
                // Without the tab, what follows a blank would be taken for a time.
                let tab: &[u8] =
                    if name.first() != Some(&b'"') && name.contains(&b' ') { b"\t" } else { b"" };
                [sign.as_bytes(), b" ", &*name, tab].concat()
            }
        };
        let written = out
            .line(Part::Meta, &name("---", "a/", self.entry.old_path(), self.old))
            .and_then(|()| out.line(Part::Meta, &name("+++", "b/", &self.entry.path, self.new)))
            .and_then(|()| LineDiff::of(old, new).write(out));
        written.map_err(DiffError::Write)
    }

    fn write_binary(&self, binary: Binary, out: &mut dyn Lines) -> Result<(), DiffError> {
        let (old, new) = (self.diff.old, self.diff.new);
        let (old_path, new_path) = (self.entry.old_path(), self.entry.path.as_path());
        let blob = |stack, path, side: Option<Side>| match side {
            Some(side) => blob_of_side(stack, path, &side),
            None => Ok(NO_BLOB.to_owned()),
        };
        // `git apply` takes a binary patch by the whole names alone.
        let blobs = [blob(old, old_path, self.old)?, blob(new, new_path, self.new)?];
        // Names may be made to collide.
        let differs = blobs[0] != blobs[1] || !self.has_same_bytes()?;
        self.write_head(&blobs, differs, out)?;
        if !differs {
            return Ok(());
        }
        if binary == Binary::Named {
            let (before, now) = (quoted("a/", old_path), quoted("b/", new_path));
            let line = [b"Binary files ", &*before, b" and ", &*now, b" differ"].concat();
            return out.line(Part::Context, &line).map_err(DiffError::Write);
        }
        out.line(Part::Context, b"GIT binary patch").map_err(DiffError::Write)?;
        write_literal(new, new_path, self.new.as_ref(), out)?;
        write_literal(old, old_path, self.old.as_ref(), out)
    }

    fn has_same_bytes(&self) -> Result<bool, WalkError> {
        let (Some(old), Some(new)) = (self.old, self.new) else { return Ok(false) };
        self.diff.is_same_file((self.entry.old_path(), &old), (&self.entry.path, &new))
    }

    /// Writes the lines before the content; none where nothing differs that git has words for.
    fn write_head(&self, blobs: &[String; 2], differs: bool, out: &mut dyn Lines) -> Result<(), DiffError> {
        let (old_path, path) = (quoted("a/", self.entry.old_path()), quoted("b/", &self.entry.path));
        let mode = |side: Option<Side>| side.and_then(|side| side.git_mode());
        let (old_mode, new_mode) = (mode(self.old), mode(self.new));
        if !differs && old_mode == new_mode && self.entry.renamed.is_none() {
            return Ok(());
        }
        let mut head = vec![[b"diff --git ", &*old_path, b" ", &*path].concat()];
        let mut say = |line: String| head.push(line.into_bytes());
        match (old_mode, new_mode) {
            (Some(old), Some(new)) if old != new => {
                say(format!("old mode {old}"));
                say(format!("new mode {new}"));
            }
            (None, Some(new)) => say(format!("new file mode {new}")),
            (Some(old), None) => say(format!("deleted file mode {old}")),
            _ => {}
        }
        if let Some(renamed) = &self.entry.renamed {
            say(format!("similarity index {}%", renamed.similarity));
            head.push([b"rename from ", &*quoted("", &renamed.from)].concat());
            head.push([b"rename to ", &*quoted("", &self.entry.path)].concat());
        }
        if differs || old_mode.is_none() || new_mode.is_none() {
            let stays =
                old_mode.filter(|_| old_mode == new_mode).map_or(String::new(), |it| format!(" {it}"));
            head.push(format!("index {}..{}{stays}", blobs[0], blobs[1]).into_bytes());
        }
        head.iter().try_for_each(|line| out.line(Part::Meta, line)).map_err(DiffError::Write)
    }
}
