//! Which paths of a project are hidden from a command, by the rules of its profile.
//!
//! ```text
//!   rules ──▶ search ──▶ hidden paths ──▶ their links, in both directions ──▶ Hidden
//!               │ ▲
//!               ▼ │  what the directories had when they were read last
//!             index ──▶ look ──▶ the same, where all is as it was
//! ```
//! What cannot be looked into might hold anything, and is hidden as a whole.

mod content;
mod held;
mod hiding;
mod index;
mod links;
mod look;
mod required;
mod rules;
mod search;
mod stale;
mod ways;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, Stat, statat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

pub(crate) use hiding::Behind;
pub use hiding::Hiding;
pub use rules::{HideRule, HideRules};

use crate::commit::fold;
use crate::files::{io_error, open_directory};
use crate::path_text::PathText;
use held::Held;
use index::Index;
use ways::Ways;

/// A path that a command does not see, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HiddenPath {
    /// Relative to the project.
    pub path: PathText,
    /// The rule, in words.
    pub rule: String,
}

/// A directory on the way to a hidden path, as the project has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// Relative to the project.
    pub path: PathBuf,
    /// Permission bits.
    pub mode: u32,
    /// Seconds and nanoseconds.
    pub modified: (i64, u32),
}

/// What of a project is hidden, and what would be if it were there.
#[derive(Debug, Clone, Default)]
pub struct Hidden {
    /// In order, and none below another one.
    pub paths: Vec<HiddenPath>,
    /// What the caller should know.
    pub notes: Vec<String>,
    /// The same paths, folded, for what is another spelling of them, each with its place.
    folded: BTreeMap<PathBuf, usize>,
    rules: Arc<HideRules>,
    /// What the next search begins with.
    held: Held,
}

/// Why nobody knows what is to be hidden.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says itself in its message")]
pub enum HiddenError {
    #[error("`{pattern}` is no pattern")]
    Pattern { pattern: String, source: globset::Error },
    #[error("looking for what is to be hidden in `{}`", path.display())]
    Look { path: PathBuf, source: io::Error },
}

impl Hidden {
    /// Searches the project. `index` is a directory of the caller's own in which is kept what a search found,
    /// so that the next one reads only the directories that were changed since.
    pub fn search(project: &Path, rules: HideRules, index: Option<&Path>) -> Result<Self, HiddenError> {
        Self::find(project, rules.shared(), index, None)
    }

    /// Searches the project again, by the same rules. Of a directory that was not changed since this was found it
    /// takes one look, and nothing of the index where that is small; so what comes of it is to be kept for the next.
    pub fn search_again(&self, project: &Path, index: Option<&Path>) -> Result<Self, HiddenError> {
        let rules = Arc::clone(&self.rules);
        let index = Index::open(&self.held, index, project, &rules);
        Self::find_by(index, rules, None)
    }

    /// Searches everything, or what `ways` lead to and through.
    fn find(
        project: &Path,
        rules: Arc<HideRules>,
        index: Option<&Path>,
        ways: Option<&Ways>,
    ) -> Result<Self, HiddenError> {
        let index = Index::open(&Held::default(), index, project, &rules);
        Self::find_by(index, rules, ways)
    }

    fn find_by(
        mut index: Index<'_>,
        rules: Arc<HideRules>,
        ways: Option<&Ways>,
    ) -> Result<Self, HiddenError> {
        let project = index.project;
        if rules.is_empty() {
            return Ok(Self::default());
        }
        let failed = |errno| HiddenError::Look { path: project.to_owned(), source: io_error(errno) };
        let top = match open_directory(project) {
            Err(Errno::NOENT) => return Ok(Self { rules, ..Self::default() }),
            top => top.map_err(failed)?,
        };
        if let Some(seen) = look::look(&top, &rules, &index.bytes) {
            let (found, notes) = seen.with_others(&top, project).map_err(failed)?;
            return Ok(Self { notes, rules, held: Held::of(index.bytes), ..Self::default() }.with(&found));
        }
        index.decode();
        let mut found = search::search(&top, &rules, &mut index, ways).map_err(failed)?;
        // An index that still holds was made by these very rules.
        if index.is_changed {
            rules.check()?;
        }
        links::follow(&top, project, &mut found);
        let (notes, held) = match ways {
            None => (links::find_others(&top, &mut found).map_err(failed)?, index.save(&rules)),
            // Whoever knows the ways knows that no file at their ends has another name.
            Some(_) => Default::default(),
        };
        Ok(Self { notes, rules, held, ..Self::default() }.with(&found))
    }

    /// The same, with what was hidden from earlier commands.
    pub fn with(mut self, earlier: &[HiddenPath]) -> Self {
        self.paths.extend(earlier.iter().cloned());
        self.paths = without_nested(self.paths);
        let folded = self.paths.iter().enumerate().map(|(at, hidden)| (folded(&hidden.path.0), at));
        self.folded = folded.collect();
        self
    }

    /// What was hidden from earlier commands alone.
    pub fn of(earlier: &[HiddenPath]) -> Self {
        Self::default().with(earlier)
    }

    /// What is known to be hidden, and the rules by which more would be.
    pub fn known(rules: HideRules, paths: &[HiddenPath]) -> Self {
        Self { rules: rules.shared(), ..Self::default() }.with(paths)
    }

    /// Whether the project shows everything.
    pub fn is_nothing(&self) -> bool {
        self.paths.is_empty()
    }

    /// Whether this very path is hidden; those below it are as well.
    pub fn hides(&self, path: &Path) -> bool {
        self.paths.binary_search_by(|hidden| hidden.path.0.as_path().cmp(path)).is_ok()
    }

    /// Why nothing may land under the path: it is hidden, or would be, in any spelling.
    pub fn keeps(&self, path: &Path) -> Option<String> {
        let folded = folded_names(path);
        // Where nothing is hidden there is nothing to compare with.
        let mut above = folded.ancestors().take_while(|_| !self.folded.is_empty());
        match above.find_map(|above| self.folded.get(above)) {
            Some(at) => self.paths.get(*at).map(|hidden| hidden.rule.clone()),
            None => self.rules.names(path, &folded).map(HideRule::words),
        }
    }

    /// The first hidden path that lies below `path`.
    pub fn below(&self, path: &Path) -> Option<&HiddenPath> {
        // In order of paths, what lies in a directory comes right after it.
        let after = self.paths.partition_point(|hidden| hidden.path.0.as_path() <= path);
        self.paths.get(after).filter(|hidden| hidden.path.0.starts_with(path))
    }

    /// The directories that lead to the hidden paths, outer before inner, the top left out.
    pub fn parents(&self, project: &Path) -> Result<Vec<Parent>, HiddenError> {
        if self.is_nothing() {
            return Ok(Vec::new());
        }
        let failed = |errno| HiddenError::Look { path: project.to_owned(), source: io_error(errno) };
        let top = open_directory(project).map_err(failed)?;
        let above = self.paths.iter().flat_map(|hidden| hidden.path.0.ancestors().skip(1));
        let above: BTreeSet<_> = above.filter(|it| !it.as_os_str().is_empty()).collect();
        above
            .into_iter()
            .filter_map(|path| parent(&top, path).transpose())
            .collect::<Result<_, _>>()
            .map_err(failed)
    }
}

/// A directory that is gone meanwhile leads nowhere.
fn parent(top: &OwnedFd, path: &Path) -> Result<Option<Parent>, Errno> {
    match statat(top, path, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        stat => stat.map(|stat| {
            let modified = (stat.st_mtime, u32::try_from(stat.st_mtime_nsec).unwrap_or(0));
            Some(Parent { path: path.to_owned(), mode: stat.st_mode & 0o7777, modified })
        }),
    }
}

/// In order, each once, and none in a directory that is hidden itself.
fn without_nested(mut paths: Vec<HiddenPath>) -> Vec<HiddenPath> {
    paths.sort();
    let mut outer: Vec<HiddenPath> = Vec::new();
    for path in paths {
        if outer.last().is_none_or(|last| !path.path.0.starts_with(&last.path.0)) {
            outer.push(path);
        }
    }
    outer
}

fn folded(path: &Path) -> PathBuf {
    path.iter().map(|name| fold(&name.to_string_lossy()).into_owned()).collect()
}

/// The same, to be compared name by name; most paths are folded as they are.
fn folded_names(path: &Path) -> Cow<'_, Path> {
    let is_folded = |byte: &u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    match path.as_os_str().as_encoded_bytes().iter().all(is_folded) {
        true => Cow::Borrowed(path),
        false => Cow::Owned(folded(path)),
    }
}

/// Whether the two are the same thing.
fn is_same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

fn name_of(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

#[cfg(test)]
mod tests;
