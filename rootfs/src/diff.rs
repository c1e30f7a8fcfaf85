//! What differs between two stacks, told as git tells it: entries, renames, text that `git apply` takes.

mod binary;
mod collect;
mod content;
mod error;
mod hunks;
mod lines;
mod paths;
mod renames;
mod similarity;
mod text;
mod untold;

use std::path::{Path, PathBuf};

pub(crate) use binary::{ALPHABET, blob_of};

pub use content::Size;
pub use error::DiffError;
pub use lines::{Lines, Part, Plain};
pub use paths::quoted;
pub use text::Binary;
pub use untold::Untold;

use crate::compare::Kind;
use crate::stack::{Found, Stack};

/// The differences from one stack to another.
#[derive(Debug)]
pub struct Diff<'a> {
    pub(crate) old: &'a Stack,
    pub(crate) new: &'a Stack,
    /// By the bytes of their paths, as git sorts them.
    pub entries: Vec<Entry>,
    /// What git's text cannot say, or what could not be found out.
    pub untold: Vec<Untold>,
}

/// What happened to one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the project, any bytes.
    pub path: PathBuf,
    /// What it was; of a renamed file, what was there under the older name.
    pub old: Option<Side>,
    /// What it is.
    pub new: Option<Side>,
    /// Where it was before.
    pub renamed: Option<Renamed>,
}

/// The older name of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// Relative to the project, any bytes.
    pub from: PathBuf,
    /// How much of it is still the same, in percent.
    pub similarity: u8,
}

/// One side of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    /// What it is.
    pub kind: Kind,
    /// The permission bits, and set-id and sticky bits; none where they could not be read.
    pub mode: Option<u32>,
    /// In bytes.
    pub size: u64,
    /// The layer of its stack that has it.
    pub(crate) layer: usize,
}

/// An entry in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say themselves")]
pub enum Status {
    Added,
    Modified,
    Deleted,
    Renamed,
    TypeChanged,
}

impl Status {
    /// The letter that git gives it.
    pub fn letter(self) -> char {
        match self {
            Self::Added => 'A',
            Self::Modified => 'M',
            Self::Deleted => 'D',
            Self::Renamed => 'R',
            Self::TypeChanged => 'T',
        }
    }
}

impl<'a> Diff<'a> {
    /// Finds what differs among the paths that are `wanted`, and which deleted file is the older name of
    /// which new one.
    pub fn between(
        old: &'a Stack,
        new: &'a Stack,
        wanted: &dyn Fn(&Path) -> bool,
    ) -> Result<Self, DiffError> {
        let mut diff = Self { old, new, entries: Vec::new(), untold: Vec::new() };
        diff.collect(wanted)?;
        diff.find_renames()?;
        diff.find_untold()?;
        diff.entries.sort_by(|one, two| one.path.as_os_str().cmp(two.path.as_os_str()));
        Ok(diff)
    }
}

impl Entry {
    /// What happened, in one word.
    pub fn status(&self) -> Status {
        match (&self.old, &self.new) {
            (Some(_), Some(_)) if self.renamed.is_some() => Status::Renamed,
            (Some(old), Some(new)) if old.kind == new.kind => Status::Modified,
            (Some(_), Some(_)) => Status::TypeChanged,
            (Some(_), None) => Status::Deleted,
            (None, _) => Status::Added,
        }
    }

    /// Where the old side is.
    pub fn old_path(&self) -> &Path {
        self.renamed.as_ref().map_or(&self.path, |renamed| &renamed.from)
    }
}

impl Side {
    fn of(found: &Found) -> Self {
        let stat = found.stat.as_ref();
        Self {
            kind: found.kind,
            mode: stat.map(|stat| stat.st_mode & 0o7777),
            size: stat.map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0)),
            layer: found.layer,
        }
    }

    /// The mode that git knows: it has files, programs and links.
    pub fn git_mode(&self) -> Option<&'static str> {
        match self.kind {
            Kind::File if self.mode? & 0o100 == 0 => Some("100644"),
            Kind::File => Some("100755"),
            Kind::Symlink => Some("120000"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
