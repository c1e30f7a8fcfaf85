//! Taking from a working copy what differs from what stood there at first, into a layer.
//!
//! Copy and manifest are read side by side, in the same order; a path on one side alone is new or gone.

use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use rustix::fs::{AtFlags, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::Errno;

use super::error::CopyError;
use super::layer::Layer;
use super::manifest::{Manifest, Record, Seen};
use super::{LeftOut, Owner};
use crate::compare::{Kind, same_bytes};
use crate::descent::{Descent, Entry, entries, step};
use crate::files::{io_error, os_str};
use crate::remove::step_by_force;
use crate::stack::Stack;

/// From where, and to where.
pub(super) struct Capture<'a> {
    pub(super) copy: OwnedFd,
    pub(super) copy_path: PathBuf,
    pub(super) layer: OwnedFd,
    pub(super) below: &'a Stack,
    pub(super) owner: Owner,
}

/// A capture under way.
struct Walk<'a> {
    copy: Descent,
    layer: Layer<'a>,
    below: &'a Stack,
    manifest: Manifest,
    /// The next record, which is not before the current path.
    next: Option<Record>,
    path: PathBuf,
    levels: Vec<Level>,
    /// What was a directory and is none: what stood in it is gone with it.
    gone: Option<PathBuf>,
    left_out: LeftOut,
}

/// A directory of the copy that is being read.
struct Level {
    /// The first is the last.
    names: Vec<Entry>,
    stat: Stat,
}

/// Beyond it a path cannot be named.
const LONGEST_PATH: usize = 4095;

impl Capture<'_> {
    pub(super) fn run(self, manifest: Manifest) -> Result<LeftOut, CopyError> {
        let path = self.copy_path.clone();
        let taken = self.walk(manifest);
        taken.map_err(|(below, errno)| CopyError::Take { path: path.join(below), source: io_error(errno) })
    }

    fn walk(self, manifest: Manifest) -> Result<LeftOut, (PathBuf, Errno)> {
        let mut walk = Walk {
            copy: Descent::new(self.copy),
            layer: Layer { top: self.layer, below: self.below, owner: self.owner },
            below: self.below,
            manifest,
            next: None,
            path: PathBuf::new(),
            levels: Vec::new(),
            gone: None,
            left_out: Vec::new(),
        };
        match walk.run() {
            Ok(()) => Ok(walk.left_out),
            Err(errno) => Err((walk.path, errno)),
        }
    }
}

impl Walk<'_> {
    fn run(&mut self) -> Result<(), Errno> {
        self.advance()?;
        let top = self.level()?;
        self.levels.push(top);
        while let Some(level) = self.levels.last_mut() {
            match level.names.pop() {
                Some(entry) => self.visit(&entry.name)?,
                None => self.leave()?,
            }
        }
        Ok(())
    }

    fn level(&self) -> Result<Level, Errno> {
        let mut names = entries(self.copy.here())?;
        names.sort_by(|one, other| other.name.cmp(&one.name));
        Ok(Level { names, stat: fstat(self.copy.here())? })
    }

    fn visit(&mut self, name: &CStr) -> Result<(), Errno> {
        self.path.push(os_str(name));
        while self.next.as_ref().is_some_and(|next| next.path < self.path) {
            self.delete_next()?;
        }
        let seen = match &self.next {
            Some(next) if next.path == self.path => self.advance()?.map(|record| record.seen),
            _ => None,
        };
        let stat = statat(self.copy.here(), name, AtFlags::SYMLINK_NOFOLLOW)?;
        if Kind::of(&stat) == Kind::Directory && self.path.as_os_str().len() <= LONGEST_PATH {
            return self.enter(name, &stat, seen);
        }
        if seen.is_some_and(|seen| seen.is_directory()) {
            self.gone = Some(self.path.clone());
        }
        self.visit_entry(name, &stat, seen)?;
        self.path.pop();
        Ok(())
    }

    fn enter(&mut self, name: &CStr, stat: &Stat, seen: Option<Seen>) -> Result<(), Errno> {
        let directory = match step(self.copy.here(), name) {
            Err(Errno::ACCESS) => step_by_force(self.copy.here(), name),
            opened => opened,
        };
        self.copy.push(directory?)?;
        let level = self.level()?;
        self.levels.push(Level { stat: *stat, ..level });
        match seen.filter(Seen::is_directory) {
            Some(seen) if seen.mode == stat.st_mode => Ok(()),
            Some(_) => self.layer.directory(&self.path).map(drop),
            None => self.layer.new_directory(&self.path),
        }
    }

    fn visit_entry(&mut self, name: &CStr, stat: &Stat, seen: Option<Seen>) -> Result<(), Errno> {
        if !matches!(Kind::of(stat), Kind::File | Kind::Symlink | Kind::Fifo) {
            self.left_out.push(self.path.clone());
            return seen.map_or(Ok(()), |_| self.layer.delete(&self.path));
        }
        let is_unsure = |seen: &Seen| seen.is_unsure(self.manifest.end);
        match seen {
            Some(seen) if seen == Seen::of(stat) && !is_unsure(&seen) => return Ok(()),
            // Touched, linked, or so new that its times say nothing.
            Some(seen) if seen.mode == stat.st_mode && self.is_as_below(name, stat)? => return Ok(()),
            _ => {}
        }
        self.layer.take(self.copy.here(), name, &self.path)
    }

    /// Whether the stack shows the same under the current path.
    fn is_as_below(&self, name: &CStr, stat: &Stat) -> Result<bool, Errno> {
        let found = self.below.find(&self.path).map_err(|error| error.errno())?;
        let Some((found, old)) = found.as_ref().and_then(|found| Some((found, found.stat?))) else {
            return Ok(false);
        };
        if old.st_mode != stat.st_mode || old.st_size != stat.st_size {
            return Ok(false);
        }
        match found.kind {
            Kind::File => {
                let Ok(old) = self.below.open_file(&self.path, found) else { return Ok(false) };
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                let now = openat(self.copy.here(), name, flags, Mode::empty());
                now.map_or(Ok(false), |now| same_bytes(&now, &old))
            }
            Kind::Symlink => {
                let target = readlinkat(self.copy.here(), name, Vec::new())?;
                let old = self.below.read_link(&self.path, found).map_err(|error| error.errno())?;
                Ok(old.as_os_str().as_bytes() == target.as_bytes())
            }
            _ => Ok(true),
        }
    }

    /// Of the directory that is left nothing more can come, so what is still noted of it is gone.
    fn leave(&mut self) -> Result<(), Errno> {
        while self.next.as_ref().is_some_and(|next| next.path.starts_with(&self.path)) {
            self.delete_next()?;
        }
        let modes = self.levels.last().map(|level| level.stat);
        self.levels.pop();
        if let Some(stat) = modes.filter(|_| !self.levels.is_empty()) {
            self.layer.finish(&self.path, &stat)?;
            self.copy.leave()?;
            self.path.pop();
        }
        Ok(())
    }

    /// The next record is of something that is not there any more.
    fn delete_next(&mut self) -> Result<(), Errno> {
        let Some(Record { path, seen }) = self.advance()? else { return Ok(()) };
        if self.gone.as_ref().is_some_and(|gone| path.starts_with(gone)) {
            return Ok(());
        }
        self.layer.delete(&path)?;
        if seen.is_directory() {
            self.gone = Some(path);
        }
        Ok(())
    }

    /// Takes the next record and reads the one after it.
    fn advance(&mut self) -> Result<Option<Record>, Errno> {
        let following = self.manifest.next();
        let following = following.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        Ok(std::mem::replace(&mut self.next, following))
    }
}
