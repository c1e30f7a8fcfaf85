//! What layers have under each name, each looked through once: who looks up a name asks those alone that have it.
//!
//! A directory of a layer that could not be read is one of which nothing is known, and so is all that lies below it.
//! Of what is no directory nothing is known but that it is there. What is asked is looked at as it is then.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, OFlags, statat};
use rustix::io::Errno;

use crate::beneath::open_beneath;
use crate::descent::{Entry, entries};
use crate::files::os_str;
use crate::identity::Identity;
use crate::overlay::{Mark, mark};
use crate::stack::Stack;

/// What layers that do not change any more have.
#[derive(Debug)]
pub struct Inventory {
    /// Those that were looked through, each with its number.
    layers: HashMap<Identity, usize>,
    /// By their paths, the empty one for the tops.
    directories: HashMap<PathBuf, Directory>,
    /// How many more bytes may be remembered.
    room: usize,
}

/// What is known of one directory.
#[derive(Debug, Default)]
struct Directory {
    /// The layers that have each name.
    names: HashMap<CString, Vec<(usize, Sight)>>,
    /// Layers of which nothing is known from here on.
    unread: Vec<usize>,
}

/// What a layer has under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// A directory that goes on in those below.
    Merged,
    /// A directory that hides those below.
    Opaque,
    /// Whatever it is, it has to be looked at.
    Unknown,
}

/// All that is remembered takes about so much, at most: a command can make more names than there is memory.
const ROOM: usize = 64 * 1024 * 1024;
/// What a name takes, beside its own bytes.
const EACH: usize = 128;

impl Default for Inventory {
    fn default() -> Self {
        Self { layers: HashMap::new(), directories: HashMap::new(), room: ROOM }
    }
}

impl Inventory {
    /// Looks through the layers of the stack that are not known yet. They must not change any more, the bottom apart,
    /// of which nothing is remembered.
    pub fn learn(&mut self, stack: &Stack) {
        for layer in stack.present().into_iter().rev().filter(|&layer| !stack.is_bottom(layer)) {
            let Some((identity, top)) = stack.identity(layer).zip(stack.top(layer).ok()) else { continue };
            if !self.layers.contains_key(&identity) {
                let number = self.layers.len();
                self.layers.insert(identity, number);
                self.look_through(top, number);
            }
        }
    }

    fn look_through(&mut self, top: BorrowedFd<'_>, layer: usize) {
        let mut ways = vec![PathBuf::new()];
        while let Some(way) = ways.pop() {
            match read(top, &way).ok().filter(|seen| self.take_room(&way, seen)) {
                None => self.directories.entry(way).or_default().unread.push(layer),
                Some(seen) => {
                    let below = seen.iter().filter(|(_, kind, _)| kind.is_dir());
                    ways.extend(below.map(|(name, ..)| way.join(os_str(name))));
                    let names = &mut self.directories.entry(way).or_default().names;
                    seen.into_iter().for_each(|(name, _, sight)| {
                        names.entry(name).or_default().push((layer, sight));
                    });
                }
            }
        }
    }

    fn take_room(&mut self, way: &Path, seen: &[Seen]) -> bool {
        // A directory's path is kept as well.
        let above = |kind: &FileType| if kind.is_dir() { way.as_os_str().len() } else { 0 };
        let each = seen.iter().map(|(name, kind, _)| name.as_bytes().len() + above(kind) + EACH);
        let wanted: usize = each.sum();
        let left = self.room.checked_sub(wanted);
        self.room = left.unwrap_or(0);
        left.is_some()
    }

    /// What is known of the layers of one stack.
    pub(crate) fn of<'a>(&'a self, stack: &Stack) -> Shelf<'a> {
        let mut places = vec![None; self.layers.len()];
        let mut is_known = vec![false; stack.depth()];
        for layer in stack.present().into_iter().filter(|&layer| !stack.is_bottom(layer)) {
            if let Some(number) = stack.identity(layer).and_then(|identity| self.layers.get(&identity)) {
                (places[*number], is_known[layer]) = (Some(layer), true);
            }
        }
        Shelf { inventory: self, places, is_known }
    }
}

/// What is known of the layers of one stack.
pub(crate) struct Shelf<'a> {
    inventory: &'a Inventory,
    /// Where in the stack each layer that was looked through is, if it is in it.
    places: Vec<Option<usize>>,
    /// Of which layers of the stack something is known.
    is_known: Vec<bool>,
}

/// The same of one directory of the stack.
pub(crate) struct Drawer<'a> {
    shelf: &'a Shelf<'a>,
    names: Option<&'a HashMap<CString, Vec<(usize, Sight)>>>,
    /// The layers of which nothing is known here.
    unknown: Vec<usize>,
}

impl<'a> Shelf<'a> {
    /// What is known of the directory `path`, which these layers of the stack have.
    pub(crate) fn drawer(&'a self, path: &Path, layers: &[usize]) -> Drawer<'a> {
        let directories = &self.inventory.directories;
        let unread = path.ancestors().filter_map(|above| directories.get(above)).flat_map(|it| &it.unread);
        let unread: Vec<usize> = unread.filter_map(|number| self.places[*number]).collect();
        let is_unknown = |layer: &&usize| !self.is_known[**layer] || unread.contains(layer);
        Drawer {
            shelf: self,
            names: directories.get(path).map(|directory| &directory.names),
            unknown: layers.iter().filter(is_unknown).copied().collect(),
        }
    }
}

impl Drawer<'_> {
    /// The layers that may have the name, newest first.
    pub(crate) fn having(&self, name: &CStr) -> Vec<(usize, Sight)> {
        let seen = self.names.and_then(|names| names.get(name)).into_iter().flatten().rev();
        let seen = seen.filter_map(|(number, sight)| Some((self.shelf.places[*number]?, *sight)));
        let unknown = self.unknown.iter().map(|layer| (*layer, Sight::Unknown));
        let mut having: Vec<(usize, Sight)> = seen.chain(unknown).collect();
        having.sort_by_key(|(layer, _)| *layer);
        having
    }
}

/// A name with its type.
type Seen = (CString, FileType, Sight);

/// Reads a directory of a layer. One that may be listed and not searched has no name that could be looked up.
fn read(top: BorrowedFd<'_>, way: &Path) -> Result<Vec<Seen>, Errno> {
    let directory = open_beneath(top, way, OFlags::DIRECTORY)?;
    statat(&directory, c".", AtFlags::SYMLINK_NOFOLLOW)?;
    let sight = |Entry { name, kind }: Entry| {
        let sight = if kind.is_dir() { sight(&directory, &name) } else { Sight::Unknown };
        (name, kind, sight)
    };
    Ok(entries(std::os::fd::AsFd::as_fd(&directory))?.into_iter().map(sight).collect())
}

fn sight(directory: impl std::os::fd::AsFd, name: &CStr) -> Sight {
    let directory = directory.as_fd();
    let mark =
        statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).and_then(|stat| mark(directory, name, &stat));
    match mark {
        Ok(Mark::Plain) => Sight::Merged,
        Ok(Mark::Opaque) => Sight::Opaque,
        _ => Sight::Unknown,
    }
}

#[cfg(test)]
mod tests;
