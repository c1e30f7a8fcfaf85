//! What git's text cannot say. It is told beside it, never passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CStr;
use std::path::{Path, PathBuf};

use super::content::TEXT;
use super::paths::{quoted, refused_by_git};
use super::{Diff, DiffError, Entry, Side};
use crate::attributes::attributes;
use crate::compare::Kind;
use crate::files::os_str;
use crate::stack::Stack;

/// As much as git itself takes for more than a text (`core.bigFileThreshold`).
const LARGEST: u64 = 512 << 20;

/// Something that `git apply` of the text would not bring about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untold {
    /// Relative to the project, any bytes.
    pub path: PathBuf,
    /// A sentence whose subject is the path.
    pub what: String,
}

impl Untold {
    fn new(path: &Path, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), what: what.into() }
    }

    pub(super) fn unread(path: &Path) -> Self {
        Self::new(path, "could not be read: what is in it is not told")
    }

    /// A directory that git makes has the mode that the umask leaves.
    pub(super) fn of_new_directory(path: &Path, side: &Side) -> Option<Self> {
        let mode = side.mode.filter(|mode| !matches!(mode, 0o755 | 0o775))?;
        Some(Self::new(path, format!("is a new directory with mode {mode:04o}")))
    }

    pub(super) fn renames_not_sought(deleted: usize, added: usize) -> Self {
        let what =
            format!("has {deleted} deleted and {added} new files, too many to look for renames with changes");
        Self::new(Path::new(""), what)
    }

    /// As a line of text.
    pub fn line(&self) -> Vec<u8> {
        let path: &Path = if self.path.as_os_str().is_empty() { ".".as_ref() } else { &self.path };
        [b"# ", &*quoted("", path), b" ", self.what.as_bytes()].concat()
    }
}

impl Diff<'_> {
    pub(super) fn find_untold(&mut self) -> Result<(), DiffError> {
        let mut refused: BTreeMap<PathBuf, u64> = BTreeMap::new();
        let mut untold = Vec::new();
        for entry in &self.entries {
            match entry.refused_by_git() {
                Some(part) => *refused.entry(part).or_default() += 1,
                None if entry.is_too_large() => {
                    let what = format!("is larger than {} MiB: what is in it is not told", LARGEST >> 20);
                    untold.push(Untold::new(&entry.path, what));
                }
                None => {
                    untold.extend(entry.beyond_git());
                    untold.extend(self.other_attributes(entry));
                }
            }
        }
        for (part, count) in refused {
            let changes = if count == 1 { "change" } else { "changes" };
            untold.push(Untold::new(&part, format!("has {count} {changes} that git takes from no diff")));
        }
        for directory in self.left_empty()? {
            untold.push(Untold::new(&directory, "is left empty"));
        }
        self.untold.append(&mut untold);
        self.untold.sort_by(|one, two| one.path.as_os_str().cmp(two.path.as_os_str()));
        Ok(())
    }

    /// The attributes that a file is given or loses, or has with another value.
    fn other_attributes(&self, entry: &Entry) -> Option<Untold> {
        // What cannot be opened is told when its content is asked for.
        let read = |stack: &Stack, path: &Path, side: Option<Side>| {
            let side = side.filter(|side| side.kind == Kind::File && side.mode.is_some());
            let file = side.and_then(|side| stack.open_file_in(side.layer, path).ok());
            file.and_then(|file| attributes(&file).ok()).unwrap_or_default()
        };
        let old = read(self.old, entry.old_path(), entry.old);
        let new = read(self.new, &entry.path, entry.new);
        let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        let names = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
        let names: Vec<_> = names.map(|name| quoted_text(name)).collect();
        (!names.is_empty() && entry.new.is_some())
            .then(|| Untold::new(&entry.path, format!("has other attributes: {}", names.join(", "))))
    }

    /// The directories of the new side whose last file went: `git apply` removes them with it.
    fn left_empty(&self) -> Result<Vec<PathBuf>, DiffError> {
        let parent = |path: &Path| path.parent().filter(|it| !it.as_os_str().is_empty()).map(Path::to_owned);
        let gone = self.entries.iter().filter(|entry| entry.new.is_none() || entry.renamed.is_some());
        let parents: BTreeSet<PathBuf> = gone.filter_map(|entry| parent(entry.old_path())).collect();
        let mut left = Vec::new();
        for directory in parents {
            let found = self.new.find(&directory)?;
            if let Some(found) = found.filter(|found| found.kind == Kind::Directory)
                && self.new.is_empty(&directory, &found)?
            {
                left.push(directory);
            }
        }
        Ok(left)
    }
}

impl Entry {
    /// Whether a side of it is more than anybody would want as text. A command makes terabytes of nothing in
    /// no time.
    pub fn is_too_large(&self) -> bool {
        let large = |side: &Side| side.kind == Kind::File && side.size > LARGEST;
        self.old.iter().chain(&self.new).any(large)
    }

    /// Whether git takes it from no diff, for where it lies.
    pub fn is_refused_by_git(&self) -> bool {
        self.refused_by_git().is_some()
    }

    /// The part of one of its paths that git refuses.
    pub(super) fn refused_by_git(&self) -> Option<PathBuf> {
        let side = |path: &Path, side: &Option<Side>| {
            side.and_then(|side| refused_by_git(path, side.kind == Kind::Symlink))
        };
        side(self.old_path(), &self.old).or_else(|| side(&self.path, &self.new))
    }

    /// What of it lies beyond what git knows of a file.
    fn beyond_git(&self) -> Vec<Untold> {
        let sides = [("was", self.old, self.old_path()), ("is", self.new, self.path.as_path())];
        let side = |(verb, side, path): (&str, Option<Side>, &Path)| {
            let what = name(&side?)?;
            Some(Untold::new(path, format!("{verb} {what}")))
        };
        match self.mode_beyond_git() {
            // Of a directory that stays, its mode is all that differs.
            Some(mode) if self.new.is_some_and(|new| new.kind == Kind::Directory) => vec![mode],
            mode => sides.into_iter().filter_map(side).chain(mode).collect(),
        }
    }

    fn mode_beyond_git(&self) -> Option<Untold> {
        let mode_of = |side: Option<Side>, kind| side.filter(|side| side.kind == kind)?.mode;
        let kind = self.new?.kind;
        let (old, mode) = (mode_of(self.old, kind), self.new?.mode?);
        let goes =
            |old: u32| Some(Untold::new(&self.path, format!("goes from mode {old:04o} to {mode:04o}")));
        match (kind, old) {
            (Kind::File | Kind::Directory, Some(old)) if old == mode => None,
            // What git does to the mode is exactly this.
            (Kind::File, Some(old)) if old ^ mode == 0o111 && mode & 0o7000 == 0 => None,
            (Kind::File | Kind::Directory, Some(old)) => goes(old),
            (Kind::File, None) if matches!(mode, 0o644 | 0o755 | 0o664 | 0o775) => None,
            (Kind::File, None) => {
                Some(Untold::new(&self.path, format!("is a new file with mode {mode:04o}")))
            }
            _ => None,
        }
    }
}

fn quoted_text(name: &CStr) -> String {
    String::from_utf8_lossy(&quoted("", Path::new(os_str(name)))).into_owned()
}

/// What a side is, where git's text has no words for it.
fn name(side: &Side) -> Option<String> {
    let name = match side.kind {
        _ if side.mode.is_none() => return Some("in a directory that is closed to the caller".into()),
        Kind::File if side.size > TEXT => "too large for a diff of its lines",
        Kind::File | Kind::Symlink => return None,
        Kind::Directory => "an empty directory",
        Kind::Fifo => "a named pipe",
        Kind::Socket => "a socket",
        Kind::Device => "a device",
    };
    let mode = side.mode.filter(|_| side.kind != Kind::File);
    Some(mode.map_or(name.to_owned(), |mode| format!("{name} with mode {mode:04o}")))
}
