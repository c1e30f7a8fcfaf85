//! The walk over two stacks that finds every difference between them, one by one, in bounded memory.
//!
//! Cost follows the layers that the two do not share. Of the shared ones only that is looked at which the
//! others name, hide or replace.

use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::io::Errno;

use crate::compare::{Kind, same};
use crate::descent::Entry;
use crate::files::os_str;
use crate::inventory::{Inventory, Shelf};
use crate::merged::{Merged, in_order};
use crate::stack::{Found, Stack};

/// One difference between what two stacks show under a path.
///
/// `filled` says of a directory that it has something in it, which is told by itself, later. What is no
/// directory on one side only is a deletion and an addition.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the fields say themselves")]
pub enum Difference<'a> {
    /// Only the new stack shows it.
    Added { new: &'a Found, filled: bool },
    /// Both show it, with another type, mode, content, link target or `user.` attributes; of a directory, with
    /// another mode.
    Modified { old: &'a Found, new: &'a Found },
    /// Only the old stack shows it.
    Deleted { old: &'a Found, filled: bool },
    /// What lies below could not be looked at: closed by its mode, or deeper than a path can name.
    Unread,
}

/// Why a walk ended early.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says itself in its message")]
pub enum WalkError {
    #[error("opening the layer `{}`", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("reading `{}` in the layer `{}`", path.display(), layer.display())]
    Read { path: PathBuf, layer: PathBuf, source: io::Error },
    #[error("`{}` in the layer `{}` has the attribute `{attribute}`", path.display(), layer.display())]
    Tampered { path: PathBuf, layer: PathBuf, attribute: &'static str },
    #[error("comparing what was written with the project took too long, and was given up")]
    Late,
}

impl WalkError {
    /// What the caller can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        let source = match self {
            Self::Open { source, .. } | Self::Read { source, .. } => source,
            Self::Late => return Some("of a session, `clearing diff` takes the time that it needs"),
            Self::Tampered { .. } => {
                return Some("no sandbox writes that: the layer was changed by hand, and cannot be trusted");
            }
        };
        match Errno::from_io_error(source)? {
            Errno::STALE | Errno::NOENT | Errno::NOTDIR | Errno::LOOP => {
                Some("something moved while it was read; ask again when all is quiet")
            }
            Errno::MFILE | Errno::NFILE => Some("raise the limit of open files (`ulimit -n`)"),
            _ => None,
        }
    }

    /// Whether it only says that something is closed to us.
    /// What the kernel said.
    pub(crate) fn errno(&self) -> Errno {
        match self {
            Self::Open { source, .. } | Self::Read { source, .. } => {
                Errno::from_io_error(source).unwrap_or(Errno::IO)
            }
            Self::Tampered { .. } => Errno::INVAL,
            Self::Late => Errno::TIMEDOUT,
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        let Self::Read { source, .. } = self else { return false };
        matches!(Errno::from_io_error(source), Some(Errno::ACCESS | Errno::NAMETOOLONG))
    }
}

/// Calls `found` with each difference from `old` to `new` and its path; the tops are not compared.
///
/// A directory is told before what is in it, and names are in order.
pub fn compare(
    old: &Stack,
    new: &Stack,
    found: &mut dyn FnMut(&Path, Difference<'_>),
) -> Result<(), WalkError> {
    compare_until(old, new, None, found)
}

/// The same, given up at that moment, between two paths.
pub(crate) fn compare_until(
    old: &Stack,
    new: &Stack,
    until: Option<Instant>,
    found: &mut dyn FnMut(&Path, Difference<'_>),
) -> Result<(), WalkError> {
    walk_until((old, &old.present()), (new, &new.present()), until, found)
}

/// The same as [`compare`], of two stacks of which the inventory knows layers: the more it knows, the fewer are asked.
pub(crate) fn compare_knowing(
    old: &Stack,
    new: &Stack,
    inventory: &Inventory,
    found: &mut dyn FnMut(&Path, Difference<'_>),
) -> Result<(), WalkError> {
    let known = Some([inventory.of(old), inventory.of(new)]);
    walk_knowing((old, &old.present()), (new, &new.present()), known, None, found)
}

/// The same, where the top of each is made of these layers.
pub(crate) fn walk_beneath(
    old: (&Stack, &[usize]),
    new: (&Stack, &[usize]),
    found: &mut dyn FnMut(&Path, Difference<'_>),
) -> Result<(), WalkError> {
    walk_until(old, new, None, found)
}

fn walk_until(
    old: (&Stack, &[usize]),
    new: (&Stack, &[usize]),
    until: Option<Instant>,
    found: &mut dyn FnMut(&Path, Difference<'_>),
) -> Result<(), WalkError> {
    walk_knowing(old, new, None, until, found)
}

fn walk_knowing(
    old: (&Stack, &[usize]),
    new: (&Stack, &[usize]),
    known: Option<[Shelf<'_>; 2]>,
    until: Option<Instant>,
    found: &mut dyn FnMut(&Path, Difference<'_>),
) -> Result<(), WalkError> {
    let shared = old.0.shared_with(new.0);
    let side = |stack: &'_ Stack| stack.depth() - shared;
    let (old_shared, new_shared) = (side(old.0), side(new.0));
    let path = PathBuf::new();
    let mut walk = Walk { old: old.0, new: new.0, known, old_shared, new_shared, path, found };
    let mut levels = vec![walk.differing(old.1, new.1)?];
    while let Some(level) = levels.last_mut() {
        if until.is_some_and(|until| Instant::now() >= until) {
            return Err(WalkError::Late);
        }
        match level.pop() {
            Some(pair) => {
                walk.path.push(os_str(&pair.name));
                match walk.visit(&pair)? {
                    Some(below) => levels.push(below),
                    None => drop(walk.path.pop()),
                }
            }
            None => {
                levels.pop();
                walk.path.pop();
            }
        }
    }
    Ok(())
}

struct Walk<'a> {
    old: &'a Stack,
    new: &'a Stack,
    /// What is known of the layers of either.
    known: Option<[Shelf<'a>; 2]>,
    /// The first layer of each that both have; from there on they are the same.
    old_shared: usize,
    new_shared: usize,
    path: PathBuf,
    found: &'a mut dyn FnMut(&Path, Difference<'_>),
}

/// What both stacks show under a name, where that may differ. A directory on one side has a directory
/// or nothing on the other.
struct Pair {
    name: CString,
    old: Option<Found>,
    new: Option<Found>,
}

impl Pair {
    fn of_both(name: CString, old: Found, new: Found) -> Vec<Self> {
        if (old.kind == Kind::Directory) == (new.kind == Kind::Directory) {
            return vec![Self { name, old: Some(old), new: Some(new) }];
        }
        let gone = Self { name: name.clone(), old: Some(old), new: None };
        vec![gone, Self { name, old: None, new: Some(new) }]
    }
}

impl Walk<'_> {
    /// Reports what differs under the name itself; returns what may differ below it.
    fn visit(&mut self, pair: &Pair) -> Result<Option<Vec<Pair>>, WalkError> {
        let layers = |found: &Option<Found>| found.as_ref().map_or(Vec::new(), |it| it.directories.clone());
        let is_directory =
            |found: &Option<Found>| found.as_ref().is_some_and(|it| it.kind == Kind::Directory);
        let below = if is_directory(&pair.old) || is_directory(&pair.new) {
            match self.differing(&layers(&pair.old), &layers(&pair.new)) {
                Err(error) if error.is_closed() => None,
                below => Some(below?),
            }
        } else {
            Some(Vec::new())
        };
        let filled = below.as_ref().is_some_and(|below| !below.is_empty());
        match (&pair.old, &pair.new) {
            (Some(old), Some(new)) if !same_mode(old, new) => self.report(Difference::Modified { old, new }),
            (Some(old), Some(new)) if old.kind != Kind::Directory => {
                self.report(Difference::Modified { old, new })
            }
            (Some(old), None) => self.report(Difference::Deleted { old, filled }),
            // A new directory that is closed is told as that alone.
            (None, Some(new)) if below.is_some() => self.report(Difference::Added { new, filled }),
            _ => {}
        }
        if below.is_none() {
            self.report(Difference::Unread);
        }
        Ok(below.filter(|below| !below.is_empty()))
    }

    fn report(&mut self, difference: Difference<'_>) {
        (self.found)(&self.path, difference);
    }

    /// What differs in the current directory, which is made of these layers; the first name is the last.
    fn differing(&self, old: &[usize], new: &[usize]) -> Result<Vec<Pair>, WalkError> {
        let shared_alike = self.shared_alike(old, new);
        let [of_old, of_new] = [0, 1].map(|side| self.known.as_ref().map(|known| &known[side]));
        let old = Merged::knowing(self.old, &self.path, old, of_old);
        let new = Merged::knowing(self.new, &self.path, new, of_new);
        let mut names: Vec<Entry> = Vec::new();
        old.names(|layer| layer < self.old_shared || !shared_alike, &mut names)?;
        new.names(|layer| layer < self.new_shared || !shared_alike, &mut names)?;
        let mut pairs = Vec::new();
        for (name, kind) in in_order(names) {
            let now = new.look_up(&name)?;
            let before = match old.look_up(&name) {
                // Of what is deleted the type is enough, and the listing has it.
                Err(error) if error.is_closed() && new.is_nothing() => Some(old.closed(kind)),
                before => before?,
            };
            match (before, now) {
                (None, None) => {}
                (Some(before), Some(now)) => {
                    if !self.is_shared(&before, &now) && !same((&old, &before), (&new, &now), &name) {
                        pairs.extend(Pair::of_both(name, before, now));
                    }
                }
                (before, now) => pairs.push(Pair { name, old: before, new: now }),
            }
        }
        pairs.reverse();
        Ok(pairs)
    }

    /// Whether both sides show the same thing, with all that is in it.
    fn is_shared(&self, old: &Found, new: &Found) -> bool {
        let beneath = old.layer.checked_sub(self.old_shared);
        beneath.is_some()
            && beneath == new.layer.checked_sub(self.new_shared)
            && self.shared_alike(&old.directories, &new.directories)
    }

    /// Whether two directories are made of the same ones of the shared layers.
    fn shared_alike(&self, old: &[usize], new: &[usize]) -> bool {
        let old = old.iter().filter_map(|layer| layer.checked_sub(self.old_shared));
        let new = new.iter().filter_map(|layer| layer.checked_sub(self.new_shared));
        old.eq(new)
    }
}

fn same_mode(old: &Found, new: &Found) -> bool {
    matches!((&old.stat, &new.stat), (Some(old), Some(new)) if old.st_mode == new.st_mode)
}
