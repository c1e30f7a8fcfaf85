//! What a session saw of the project: without it no later change of the project could be told from its own.
//!
//! When a command has ended, each path that is new in the upper is looked up in the project and its
//! [`Sighting`] taken down, once: what a session saw first is what it built on. Below a directory that was
//! deleted or replaced everything is taken down, so that what the project gains there later is noticed.
//!
//! A commit compares the project with these records; a three-way merge reads the content that was kept.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use rustix::time::{ClockId, clock_gettime};

use crate::compare::Kind;
use crate::path_text::PathText;
use crate::sighting::Sighting;

mod files;
mod note;

pub use files::Kept;

/// The records of one session, or of one run.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    records: BTreeMap<PathBuf, Placed>,
    settled: BTreeMap<PathBuf, Settled>,
    /// Where they are kept, newest layer first; what is new goes to the first.
    directories: Vec<PathBuf>,
    /// Bytes of content that are kept.
    kept_bytes: u64,
    /// Whether anything is not written down yet.
    is_changed: bool,
}

/// A record, and which of the directories has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Placed {
    directory: usize,
    record: Record,
}

/// What a session showed when that landed, and which of the directories says so.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Settled {
    directory: usize,
    shown: Option<Sighting>,
}

/// What is known of one path.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Record {
    path: PathText,
    /// None if nothing was there.
    seen: Option<Sighting>,
    /// The project changed it while a command ran, so the command may have seen something else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unsure: bool,
    /// All that was below it is recorded too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    whole: bool,
    /// Its content is kept under this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base: Option<String>,
}

/// What the session saw under a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Memory<'a> {
    /// This, or nothing.
    Known(Option<&'a Sighting>),
    /// The project changed it while a command ran.
    Unsure,
    /// Nobody took it down.
    Unknown,
}

/// Why what a session saw is not known.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says itself in its message")]
pub enum SeenError {
    #[error("opening `{}`", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("looking at `{}` to record what the session saw", path.display())]
    Look { path: PathBuf, source: io::Error },
    #[error("writing down what the session saw")]
    Write { source: io::Error },
    #[error("the record of what the session saw cannot be read: line {line}")]
    Read { line: usize, source: io::Error },
}

impl Seen {
    /// The clock that tells a change of the project before a command's start from one after it.
    ///
    /// Never behind a time stamp that the kernel gave before. File systems of older kernels are up to a
    /// tick (4 or 10 ms) behind it, in which a sandbox is still being put together.
    pub fn now() -> (i64, i64) {
        let now = clock_gettime(ClockId::Realtime);
        (now.tv_sec, now.tv_nsec)
    }

    /// Whether nothing was taken down.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// What was there when the session saw it first.
    pub(crate) fn of(&self, path: &Path) -> Memory<'_> {
        for (distance, ancestor) in path.ancestors().enumerate() {
            let Some(Placed { record, .. }) = self.records.get(ancestor) else { continue };
            return match &record.seen {
                _ if record.unsure => Memory::Unsure,
                seen if distance == 0 => Memory::Known(seen.as_ref()),
                // What was no directory had nothing in it, and of a whole one everything is recorded.
                Some(seen) if seen.kind == Kind::Directory && !record.whole => Memory::Unknown,
                _ => Memory::Known(None),
            };
        }
        Memory::Unknown
    }

    /// The content that was kept of what the session saw first; none if it was too large.
    pub(crate) fn base(&self, path: &Path) -> Option<Vec<u8>> {
        let Placed { directory, record } = self.records.get(path)?;
        Kept::open(self.directories.get(*directory)?).ok()?.read(record.base.as_deref()?).ok()
    }

    /// Whether the session shows what it showed when that landed, and so has nothing new under this path.
    pub(crate) fn is_settled(&self, path: &Path, shown: Option<&Sighting>) -> bool {
        match (self.settled.get(path).map(|settled| &settled.shown), shown) {
            (Some(Some(landed)), Some(shown)) => landed.is_still(shown),
            (_, None) => path
                .ancestors()
                .any(|above| self.settled.get(above).is_some_and(|settled| settled.shown.is_none())),
            _ => false,
        }
    }

    /// What the session shows under the path has landed: as long as it shows that, it has nothing new there.
    pub(crate) fn settle(&mut self, path: &Path, shown: Option<Sighting>) {
        self.is_changed = true;
        self.settled.insert(path.to_owned(), Settled { directory: 0, shown });
    }

    /// From now on the session has seen what is `there` after its commit. What `is_new` it knows all of: what
    /// the project gains in it is not the session's.
    pub(crate) fn has_landed(&mut self, path: &Path, there: Option<Sighting>, is_new: bool) {
        let whole = is_new || self.records.get(path).is_some_and(|placed| placed.record.whole);
        self.put(Record { path: PathText(path.to_owned()), seen: there, unsure: false, whole, base: None });
    }

    fn put(&mut self, record: Record) {
        self.is_changed = true;
        self.records.insert(record.path.0.clone(), Placed { directory: 0, record });
    }

    /// From now on all that was below the directory is recorded.
    fn set_whole(&mut self, path: &Path) {
        let recorded = self.records.get(path);
        if let Some(Placed { record, .. }) = recorded.filter(|placed| !placed.record.whole) {
            self.put(Record { whole: true, base: None, ..record.clone() });
        }
    }
}

#[cfg(test)]
mod tests;
