//! Taking down what the project has under each path that an upper names, hides or replaces.

use std::ffi::CStr;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, statat};
use rustix::io::Errno;

use super::{Kept, Record, Seen, SeenError};
use crate::compare::Kind;
use crate::descent::{Descent, Entry, entries};
use crate::files::{io_error, open_directory, os_str};
use crate::overlay::{Mark, mark};
use crate::path_text::PathText;
use crate::sighting::Sighting;

impl Seen {
    /// Takes down what `project` has under the paths that are new in `upper`, whose command was started at
    /// `started` ([`Seen::now`]). Content goes to `kept`, up to its limits.
    ///
    /// No link is followed on either side. A directory of the upper that is closed to the caller is passed
    /// over: what is in it cannot land.
    pub fn note(
        &mut self,
        upper: &Path,
        project: &Path,
        started: (i64, i64),
        kept: Option<&Kept>,
    ) -> Result<(), SeenError> {
        let open = |path: &Path| {
            open_directory(path)
                .map_err(|errno| SeenError::Open { path: path.to_owned(), source: io_error(errno) })
        };
        let (upper, lower) = (open(upper)?, open(project)?);
        let mut walk = Walk {
            seen: self,
            upper: Descent::new(upper),
            lower: Descent::new(lower),
            path: PathBuf::new(),
            started,
            kept,
        };
        walk.run().map_err(|errno| SeenError::Look { path: walk.path.clone(), source: io_error(errno) })
    }
}

struct Walk<'a> {
    seen: &'a mut Seen,
    upper: Descent,
    lower: Descent,
    path: PathBuf,
    started: (i64, i64),
    kept: Option<&'a Kept>,
}

impl Walk<'_> {
    fn run(&mut self) -> Result<(), Errno> {
        let mut pending = vec![entries(self.upper.here())?];
        while let Some(names) = pending.last_mut() {
            if let Some(Entry { name, .. }) = names.pop() {
                self.path.push(os_str(&name));
                match self.visit(&name)? {
                    Some(below) => pending.push(below),
                    None => drop(self.path.pop()),
                }
                continue;
            }
            pending.pop();
            if !pending.is_empty() {
                self.upper.leave()?;
                self.lower.leave()?;
                self.path.pop();
            }
        }
        Ok(())
    }

    /// Takes the name down; returns what is below it, if that is a directory on both sides.
    fn visit(&mut self, name: &CStr) -> Result<Option<Vec<Entry>>, Errno> {
        let stat = match statat(self.upper.here(), name, AtFlags::SYMLINK_NOFOLLOW) {
            // A directory that can be listed and not searched.
            Err(Errno::ACCESS | Errno::NOENT) => return Ok(None),
            stat => stat?,
        };
        if self.is_recorded_whole() {
            return Ok(None);
        }
        let mark = mark(self.upper.here(), name, &stat)?;
        let lower = match Sighting::at(self.lower.here(), name) {
            // The project's own directory can be listed and not searched. What is unknown does not land.
            Err(Errno::ACCESS) => return Ok(None),
            lower => lower?,
        };
        let lower_is_directory = lower.as_ref().is_some_and(|lower| lower.kind == Kind::Directory);
        if lower.is_none() && mark == Mark::Whiteout {
            // It hides nothing of the project's.
            return Ok(None);
        }
        self.record(name, lower);
        if !lower_is_directory {
            return Ok(None);
        }
        // Through an opaque directory nothing of the project shows: what is there is as good as deleted.
        if Kind::of(&stat) != Kind::Directory || mark == Mark::Opaque {
            self.record_tree(name)?;
            return Ok(None);
        }
        self.enter_both(name)
    }

    /// What was recorded as no directory, or with all that is in it, says all there is to say: what the
    /// project has gained there since, the session has not seen.
    fn is_recorded_whole(&self) -> bool {
        self.seen.records.get(&self.path).is_some_and(|super::Placed { record, .. }| {
            record.whole || record.seen.as_ref().is_none_or(|seen| seen.kind != Kind::Directory)
        })
    }

    fn enter_both(&mut self, name: &CStr) -> Result<Option<Vec<Entry>>, Errno> {
        match self.upper.enter(name) {
            Err(Errno::ACCESS) => return Ok(None),
            entered => entered?,
        }
        match self.lower.enter(name) {
            Err(Errno::ACCESS | Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
                self.upper.leave()?;
                return Ok(None);
            }
            entered => entered?,
        }
        entries(self.upper.here()).map(Some)
    }

    /// Takes down a directory of the project with all that is in it.
    fn record_tree(&mut self, name: &CStr) -> Result<(), Errno> {
        match self.lower.enter(name) {
            // Unknown it stays, and what is unknown does not land.
            Err(Errno::ACCESS) => return Ok(()),
            entered => entered?,
        }
        self.record_below()?;
        self.lower.leave()?;
        self.seen.set_whole(&self.path);
        Ok(())
    }

    /// Takes down all that is in the current directory of the project.
    fn record_below(&mut self) -> Result<(), Errno> {
        let mut pending = vec![entries(self.lower.here())?];
        while let Some(names) = pending.last_mut() {
            if let Some(Entry { name, .. }) = names.pop() {
                self.path.push(os_str(&name));
                let sighting = match Sighting::at(self.lower.here(), &name) {
                    Err(Errno::ACCESS) => None,
                    sighting => sighting?,
                };
                let Some(sighting) = sighting else {
                    self.path.pop();
                    continue;
                };
                let is_directory = sighting.kind == Kind::Directory;
                self.record(&name, Some(sighting));
                if is_directory && self.lower.enter(&name).is_ok() {
                    self.seen.set_whole(&self.path);
                    pending.push(entries(self.lower.here())?);
                } else {
                    self.path.pop();
                }
                continue;
            }
            pending.pop();
            if !pending.is_empty() {
                self.lower.leave()?;
                self.path.pop();
            }
        }
        Ok(())
    }

    /// The first sighting stays.
    fn record(&mut self, name: &CStr, seen: Option<Sighting>) {
        if self.seen.records.contains_key(&self.path) {
            return;
        }
        let is_directory = seen.as_ref().is_some_and(|seen| seen.kind == Kind::Directory);
        // The time of a directory tells of what is in it, which is recorded by itself.
        let unsure = !is_directory && seen.as_ref().is_some_and(|seen| seen.changed > self.started);
        let base = self.keep(name, seen.as_ref());
        let path = PathText(self.path.clone());
        self.seen.put(Record { path, seen, unsure, whole: false, base });
    }

    fn keep(&mut self, name: &CStr, seen: Option<&Sighting>) -> Option<String> {
        let seen = seen.filter(|seen| seen.kind == Kind::File)?;
        let base = self.kept?.keep(self.lower.here(), name, seen, self.seen.kept_bytes)?;
        self.seen.kept_bytes += seen.size;
        Some(base)
    }
}
