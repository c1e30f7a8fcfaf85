//! One directory of a stack, opened in those of its layers that are asked.

use std::cell::OnceCell;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, OFlags, statat};
use rustix::io::Errno;

use crate::beneath::open_beneath;
use crate::compare::Kind;
use crate::descent::{Entry, entries};
use crate::files::{is_directory, os_str};
use crate::inventory::{Drawer, Shelf, Sight};
use crate::overlay::{Mark, mark};
use crate::stack::{Found, Stack};
use crate::walk::WalkError;

/// A directory of the view.
pub(crate) struct Merged<'a> {
    stack: &'a Stack,
    path: &'a Path,
    layers: Vec<(usize, OnceCell<OwnedFd>)>,
    known: Option<Drawer<'a>>,
}

impl<'a> Merged<'a> {
    /// The directory `path` of the layers, newest first. One that closes it to us is an error once it is asked.
    pub(crate) fn of(stack: &'a Stack, path: &'a Path, layers: &[usize]) -> Self {
        Self::knowing(stack, path, layers, None)
    }

    /// The same, where of some layers it is known what they have.
    pub(crate) fn knowing(
        stack: &'a Stack,
        path: &'a Path,
        layers: &[usize],
        known: Option<&'a Shelf<'_>>,
    ) -> Self {
        let known = known.map(|shelf| shelf.drawer(path, layers));
        Self { stack, path, layers: layers.iter().map(|layer| (*layer, OnceCell::new())).collect(), known }
    }

    fn opened<'c>(&self, layer: usize, cell: &'c OnceCell<OwnedFd>) -> Result<BorrowedFd<'c>, WalkError> {
        if let Some(directory) = cell.get() {
            return Ok(directory.as_fd());
        }
        let directory = self.stack.top(layer).and_then(|top| open_beneath(top, self.path, OFlags::DIRECTORY));
        let directory = directory.map_err(|errno| self.stack.failed(layer, self.path, errno))?;
        Ok(cell.get_or_init(|| directory).as_fd())
    }

    /// Adds the names in those of its layers that `wanted` says, whiteouts and what they hide included.
    pub(crate) fn names(
        &self,
        wanted: impl Fn(usize) -> bool,
        names: &mut Vec<Entry>,
    ) -> Result<(), WalkError> {
        for (layer, directory) in self.layers.iter().filter(|(layer, _)| wanted(*layer)) {
            let found = entries(self.opened(*layer, directory)?);
            names.extend(found.map_err(|errno| self.stack.failed(*layer, self.path, errno))?);
        }
        Ok(())
    }

    /// Finds out what the stack shows under `name`, as the kernel's `ovl_lookup` does.
    pub(crate) fn look_up(&self, name: &CStr) -> Result<Option<Found>, WalkError> {
        let mut found: Option<Found> = None;
        for (layer, directory, sight) in self.having(name) {
            if self.stack.hides(*layer, || self.path.join(os_str(name))) {
                break;
            }
            // Of a directory below another one it is enough to know that it is one.
            if let (Some(found), Sight::Merged | Sight::Opaque) = (&mut found, sight) {
                found.directories.push(*layer);
                if sight == Sight::Opaque {
                    break;
                }
                continue;
            }
            let directory = self.opened(*layer, directory)?;
            let stat = match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => continue,
                stat => stat.map_err(|errno| self.failed(*layer, name, errno))?,
            };
            let mark = mark(directory, name, &stat).map_err(|errno| self.failed(*layer, name, errno))?;
            if let Mark::Elsewhere(attribute) = mark
                && !self.stack.is_bottom(*layer)
            {
                return Err(self.tampered(*layer, name, attribute));
            }
            // A directory goes on through those below it; anything else hides them, or is hidden.
            let goes_on = is_directory(&stat) && mark != Mark::Opaque;
            if mark == Mark::Whiteout || (found.is_some() && !is_directory(&stat)) {
                break;
            }
            let kind = Kind::of(&stat);
            let directories = Vec::new();
            let shown = found.get_or_insert(Found { kind, stat: Some(stat), layer: *layer, directories });
            if kind == Kind::Directory {
                shown.directories.push(*layer);
            }
            if !goes_on {
                break;
            }
        }
        Ok(found)
    }

    /// Those of its layers that may have the name, newest first.
    fn having(&self, name: &CStr) -> impl Iterator<Item = (&usize, &OnceCell<OwnedFd>, Sight)> {
        let known = self.known.as_ref().map(|known| known.having(name));
        let (known, all) = match known {
            Some(known) => (known, &[][..]),
            None => (Vec::new(), &self.layers[..]),
        };
        let known = known.into_iter().filter_map(|(layer, sight)| {
            let at = self.layers.binary_search_by_key(&layer, |(layer, _)| *layer).ok()?;
            Some((&self.layers[at].0, &self.layers[at].1, sight))
        });
        known.chain(all.iter().map(|(layer, directory)| (layer, directory, Sight::Unknown)))
    }

    /// Whether no layer has the directory.
    pub(crate) fn is_nothing(&self) -> bool {
        self.layers.is_empty()
    }

    /// What is known of a name in a directory that can be listed and not searched.
    pub(crate) fn closed(&self, kind: Kind) -> Found {
        let layer = self.layers.first().map_or(0, |(layer, _)| *layer);
        Found { kind, stat: None, layer, directories: Vec::new() }
    }

    /// The directory of a layer in which something was found.
    pub(crate) fn directory(&self, layer: usize) -> Option<BorrowedFd<'_>> {
        self.layers
            .iter()
            .find(|(one, _)| *one == layer)
            .and_then(|(_, directory)| directory.get())
            .map(AsFd::as_fd)
    }

    fn failed(&self, layer: usize, name: &CStr, errno: Errno) -> WalkError {
        self.stack.failed(layer, &self.path.join(os_str(name)), errno)
    }

    fn tampered(&self, layer: usize, name: &CStr, attribute: &'static str) -> WalkError {
        let (path, layer) = (self.path.join(os_str(name)), self.stack.layer_path(layer).to_owned());
        WalkError::Tampered { path, layer, attribute }
    }
}

/// The names in order, each once. Of a name in several layers any type is kept.
pub(crate) fn in_order(mut names: Vec<Entry>) -> Vec<(CString, Kind)> {
    names.sort_by(|one, two| one.name.cmp(&two.name));
    names.dedup_by(|one, two| one.name == two.name);
    names.into_iter().map(|Entry { name, kind }| (name, Kind::of_type(kind))).collect()
}
