//! A look at all that a search found: whether a project is as it was then, for one call a directory.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Stat, fstat, statat};
use rustix::io::Errno;

use super::index::{Directory, Hit, os_str};
use super::rules::HideRules;
use super::search::nameable;
use super::stale::Stamp;
use super::{HiddenPath, links};
use crate::path_text::PathText;

/// What is hidden in a project that is as it was.
#[derive(Default)]
pub(super) struct Seen {
    found: Vec<HiddenPath>,
    /// Whether any of it leads elsewhere.
    has_links: bool,
    /// Whether any of it may be a file with other names, or hold one.
    has_others: bool,
}

/// What is found where all is as an index in the form of its file says; none if anything is not, or may not be.
///
/// Nothing of the index is copied but the names of what is hidden.
pub(super) fn look(top: &OwnedFd, rules: &HideRules, index: &[u8]) -> Option<Seen> {
    let (number, mut rest) = postcard::take_from_bytes::<u32>(index).ok()?;
    let mut look = Look { top, rules, path: PathBuf::new(), seen: Seen::default() };
    // Of each directory on the path the place after all that is in it.
    let mut ends: Vec<u32> = Vec::new();
    for place in 0..number {
        let (directory, after) = postcard::take_from_bytes::<Directory<&[u8]>>(rest).ok()?;
        rest = after;
        while ends.pop_if(|end| *end <= place).is_some() {
            look.path.pop();
        }
        // Only the top lies in none.
        let outer = if place == 0 { number } else { ends.last().copied()? };
        let end = directory.below.checked_add(place)?.checked_add(1)?;
        if end > outer {
            return None;
        }
        ends.push(end);
        look.path.push(os_str(directory.name));
        look.directory(&directory)?;
    }
    (number > 0 && rest.is_empty()).then_some(look.seen)
}

struct Look<'a> {
    top: &'a OwnedFd,
    rules: &'a HideRules,
    path: PathBuf,
    seen: Seen,
}

impl Look<'_> {
    fn directory(&mut self, directory: &Directory<&[u8]>) -> Option<()> {
        let stat = if self.path.as_os_str().is_empty() { fstat(self.top).ok()? } else { self.stat()? };
        if !directory.stamp.proves(&Stamp::of(&stat, 0)) {
            return None;
        }
        for hit in &directory.hits {
            self.path.push(os_str(hit.name));
            self.hit(hit)?;
            self.path.pop();
        }
        Some(())
    }

    /// Links are followed each time, and other names looked for: what is on their way has no place in the index.
    fn hit(&mut self, hit: &Hit<&[u8]>) -> Option<()> {
        let rule = self.rules.numbered(hit.rule)?;
        if nameable(&self.path) != self.path {
            return None;
        }
        let stat = self.stat()?;
        let is_hidden = match &hit.read {
            _ if rule.contains.is_empty() => true,
            Some((stamp, is_hidden)) if stamp.proves(&Stamp::of(&stat, 0)) => *is_hidden,
            _ => return None,
        };
        if is_hidden && self.seen.found.last().is_none_or(|last| last.path.0 != self.path) {
            let path = PathText(self.path.clone());
            self.seen.found.push(HiddenPath { path, rule: rule.words() });
            let kind = FileType::from_raw_mode(stat.st_mode);
            self.seen.has_links |= kind.is_symlink();
            self.seen.has_others |= kind.is_dir() || stat.st_nlink > 1;
        }
        Some(())
    }

    fn stat(&self) -> Option<Stat> {
        statat(self.top, &self.path, AtFlags::SYMLINK_NOFOLLOW).ok()
    }
}

impl Seen {
    /// All that is hidden, and what was not looked for.
    pub(super) fn with_others(
        mut self,
        top: &OwnedFd,
        project: &Path,
    ) -> Result<(Vec<HiddenPath>, Vec<String>), Errno> {
        if self.has_links {
            links::follow(top, project, &mut self.found);
        }
        let notes = match self.has_links || self.has_others {
            true => links::find_others(top, &mut self.found)?,
            false => Vec::new(),
        };
        Ok((self.found, notes))
    }
}
