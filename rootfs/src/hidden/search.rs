//! The search: each directory is looked at, and read only if it was changed since it was read last.

use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, OFlags, fstat, statat};
use rustix::io::Errno;

use super::HiddenPath;
use super::content::holds;
use super::index::{Directory, Hit, Index, os_string};
use super::rules::{HideRule, HideRules};
use super::stale::{Stamp, now};
use super::ways::Ways;
use crate::beneath::open_beneath;
use crate::descent::entries;
use crate::files::os_str;
use crate::path_text::PathText;

/// Finds everything that a rule matches; where there are `ways`, what they lead to and through.
pub(super) fn search(
    top: &OwnedFd,
    rules: &HideRules,
    index: &mut Index<'_>,
    ways: Option<&Ways>,
) -> Result<Vec<HiddenPath>, Errno> {
    let mut search = Search { top, rules, index, ways, found: Vec::new(), path: PathBuf::new(), now: now() };
    let known = (!search.index.old.is_empty()).then_some(0);
    let mut levels = vec![search.visit(known, false)?];
    while let Some(level) = levels.last_mut() {
        if let Some(child) = level.children.pop() {
            let is_out = level.is_out || rules.leaves_out(&child.name);
            search.path.push(&child.name);
            match search.visit(child.known, is_out) {
                Ok(level) => levels.push(level),
                Err(errno) => {
                    search.close(errno);
                    search.path.pop();
                }
            }
            continue;
        }
        let place = level.place;
        levels.pop();
        let below = search.index.new.len().saturating_sub(place + 1);
        search.index.new[place].below = u32::try_from(below).unwrap_or(u32::MAX);
        search.path.pop();
    }
    Ok(search.found)
}

struct Search<'a, 'i> {
    top: &'a OwnedFd,
    rules: &'a HideRules,
    index: &'a mut Index<'i>,
    ways: Option<&'a Ways>,
    found: Vec<HiddenPath>,
    path: PathBuf,
    now: i64,
}

/// A directory that is being gone through.
struct Level {
    /// In the new index.
    place: usize,
    is_out: bool,
    children: Vec<Child>,
}

struct Child {
    name: std::ffi::OsString,
    /// In the old index.
    known: Option<usize>,
}

impl Search<'_, '_> {
    /// Looks at the directory that the path leads to.
    fn visit(&mut self, known: Option<usize>, is_out: bool) -> Result<Level, Errno> {
        let stat = match self.path.as_os_str().is_empty() {
            true => fstat(self.top)?,
            false => statat(self.top, &self.path, AtFlags::SYMLINK_NOFOLLOW)?,
        };
        let stamp = Stamp::of(&stat, self.now);
        let old = known.and_then(|known| self.index.old.get(known)).filter(|old| old.stamp.proves(&stamp));
        let (hits, mut children) = match (old.map(|old| old.hits.clone()), known) {
            (Some(hits), Some(known)) => (hits, self.known_children(known)),
            _ => self.read(known, is_out)?,
        };
        children.reverse();
        let hits = hits.into_iter().filter_map(|hit| self.settle(hit)).collect();
        let name = super::name_of(&self.path).as_bytes().to_vec();
        self.index.new.push(Directory { name, stamp, hits, below: 0 });
        Ok(Level { place: self.index.new.len() - 1, is_out, children })
    }

    fn known_children(&self, known: usize) -> Vec<Child> {
        let child = |place: usize| Child { name: os_string(&self.index.old[place].name), known: Some(place) };
        self.index.children(known).map(child).collect()
    }

    /// Reads a directory: what matches a rule, and what is to be gone through.
    fn read(&mut self, known: Option<usize>, is_out: bool) -> Result<(Vec<Hit>, Vec<Child>), Errno> {
        self.index.is_changed = true;
        let directory = open_beneath(self.top, &self.path, OFlags::DIRECTORY)?;
        let old = known.map(|known| self.index.children_by_name(known)).unwrap_or_default();
        let (mut hits, mut children) = (Vec::new(), Vec::new());
        for entry in entries(directory.as_fd())? {
            let name = os_str(&entry.name).to_owned();
            let path = self.path.join(&name);
            let is_asked =
                self.ways.is_none_or(|ways| entry.kind == FileType::Symlink || ways.lead_to(&path));
            if !is_asked || self.rules.shows(&path) {
                continue;
            }
            let is_directory = entry.kind == FileType::Directory;
            let matching: Vec<&HideRule> = self.rules.of(&path, is_directory, is_out).collect();
            let plain = matching.iter().find(|rule| rule.contains.is_empty());
            if let Some(rule) = plain {
                hits.push(self.hit(&name, rule));
            } else if is_directory {
                if !self.rules.leaves_out(&name) || self.rules.looks_everywhere() {
                    let known = old.get(name.as_bytes()).copied();
                    children.push(Child { name, known });
                }
            } else {
                hits.extend(matching.into_iter().map(|rule| self.hit(&name, rule)));
            }
        }
        Ok((hits, children))
    }

    fn hit(&self, name: &std::ffi::OsStr, rule: &HideRule) -> Hit {
        Hit { name: name.as_bytes().to_vec(), rule: self.rules.number(rule), read: None }
    }

    /// Takes a hit for what it is now; none if nothing has the name any more.
    fn settle(&mut self, hit: Hit) -> Option<Hit> {
        let rule = self.rules.numbered(hit.rule)?.clone();
        let path = self.path.join(os_string(&hit.name));
        let stat = match statat(self.top, &path, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT | Errno::NOTDIR) => return None,
            stat => stat,
        };
        if rule.contains.is_empty() {
            self.hide(&path, rule.words());
            return Some(hit);
        }
        let stamp = stat.ok().map(|stat| Stamp::of(&stat, self.now));
        let known = hit.read.clone().filter(|(old, _)| stamp.as_ref().is_some_and(|now| old.proves(now)));
        let (is_hidden, read) = match (known, stamp) {
            (Some((stamp, is_hidden)), _) => (is_hidden, Some((stamp, is_hidden))),
            (None, stamp) => {
                self.index.is_changed = true;
                let is_hidden = holds(self.top, &path, rule.contains);
                (is_hidden, stamp.map(|stamp| (stamp, is_hidden)))
            }
        };
        if is_hidden {
            self.hide(&path, rule.words());
        }
        Some(Hit { read, ..hit })
    }

    fn hide(&mut self, path: &Path, rule: String) {
        let path = nameable(path);
        if self.found.last().is_none_or(|last| last.path.0 != path) {
            self.found.push(HiddenPath { path: PathText(path.to_owned()), rule });
        }
    }

    /// Hides a directory that cannot be looked into, and has the next search look again. What is gone needs no
    /// hiding.
    fn close(&mut self, errno: Errno) {
        if !matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::LOOP) {
            let name = super::name_of(&self.path).as_bytes().to_vec();
            let (stamp, hits) = (Stamp::default(), Vec::new());
            self.index.new.push(Directory { name, stamp, hits, below: 0 });
            self.hide(&self.path.clone(), format!("it cannot be looked into: {errno}"));
        }
    }
}

/// As much of a path as a call can name: what lies deeper can only be hidden with that.
pub(super) fn nameable(path: &Path) -> &Path {
    /// `PATH_MAX` with room for the directory that the path begins in, and for a name.
    const LONGEST: usize = 4096 - 512;
    path.ancestors().find(|above| above.as_os_str().len() <= LONGEST).unwrap_or(path)
}
