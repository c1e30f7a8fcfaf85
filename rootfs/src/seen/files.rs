//! The records on disk: JSON lines, and beside them the content that was kept for a merge.

use std::ffi::{CStr, CString};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, fstat, fsync, ioctl_ficlone, mkdirat, openat, unlinkat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::{Placed, Record, Seen, SeenError, Settled};
use crate::atomic;
use crate::descent::step;
use crate::files::{io_error, open_directory, read_regular, write_all};
use crate::path_text::PathText;
use crate::run::random_name;
use crate::sighting::Sighting;

/// Files larger than this are not merged, and so not kept.
const LARGEST: u64 = 1024 * 1024;
/// So much is kept of one session.
const ALL: u64 = 64 * 1024 * 1024;

const SEEN: &CStr = c"seen.jsonl";
const BASE: &CStr = c"base";

/// The directory in which content is kept.
#[derive(Debug)]
pub struct Kept {
    base: OwnedFd,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    Record(Record),
    Settled { path: PathText, shown: Option<Sighting> },
}

impl Kept {
    /// Opens the place for content in the directory of the records; makes it where it is missing.
    pub fn make(directory: &Path) -> Result<Self, SeenError> {
        let failed = |errno| SeenError::Open { path: directory.join("base"), source: io_error(errno) };
        let opened = open_directory(directory).map_err(failed)?;
        match mkdirat(&opened, BASE, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => Self::open(directory),
            Err(errno) => Err(failed(errno)),
        }
    }

    /// Opens the place for content in the directory of the records.
    pub(super) fn open(directory: &Path) -> Result<Self, SeenError> {
        let failed = |errno| SeenError::Open { path: directory.join("base"), source: io_error(errno) };
        let directory = open_directory(directory).map_err(failed)?;
        Ok(Self { base: step(&directory, BASE).map_err(failed)? })
    }

    /// Copies a file of the project's, if it is small enough and still is what was seen.
    ///
    /// That it could not be kept only means that it will not be merged.
    pub(super) fn keep(
        &self,
        directory: BorrowedFd<'_>,
        name: &CStr,
        seen: &Sighting,
        kept: u64,
    ) -> Option<String> {
        if seen.size > LARGEST || kept + seen.size > ALL {
            return None;
        }
        let own = random_name().ok()?;
        match self.copy(directory, name, seen, &own) {
            Ok(true) => own.into_string().ok(),
            _ => {
                let _ = unlinkat(&self.base, &own, AtFlags::empty());
                None
            }
        }
    }

    /// The content under that name.
    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, Errno> {
        read_regular(&self.base, name, usize::try_from(LARGEST).unwrap_or(usize::MAX))
    }

    fn copy(
        &self,
        directory: BorrowedFd<'_>,
        name: &CStr,
        seen: &Sighting,
        own: &CString,
    ) -> Result<bool, Errno> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let source = openat(directory, name, flags, Mode::empty())?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let to = openat(&self.base, own, flags, Mode::RUSR | Mode::WUSR)?;
        if ioctl_ficlone(&to, &source).is_err() {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                match rustix::io::read(&source, &mut buffer[..])? {
                    0 => break,
                    read => write_all(&to, &buffer[..read])?,
                }
            }
        }
        Ok(seen.is_still(&Sighting::of_stat(&fstat(&source)?)))
    }
}

impl Seen {
    /// Reads the records of a session from the directories of its layers, newest first. A layer that has
    /// none adds nothing.
    pub fn load(directories: &[PathBuf]) -> Result<Self, SeenError> {
        let mut seen = Self { directories: directories.to_owned(), ..Self::default() };
        for (number, directory) in directories.iter().enumerate().rev() {
            seen.load_layer(number, directory)?;
        }
        Ok(seen)
    }

    /// What a newer layer says of a path stands for what an older one said.
    fn load_layer(&mut self, number: usize, directory: &Path) -> Result<(), SeenError> {
        let failed = |errno| SeenError::Open { path: directory.join("seen.jsonl"), source: io_error(errno) };
        let opened = open_directory(directory).map_err(failed)?;
        let content = match read_regular(&opened, "seen.jsonl", usize::MAX) {
            Err(Errno::NOENT) => return Ok(()),
            content => content.map_err(failed)?,
        };
        let lines = content.split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
        for (at, line) in lines {
            match serde_json::from_slice(line) {
                Ok(Line::Record(record)) => self.take_in(number, record),
                Ok(Line::Settled { path, shown }) => {
                    self.settled.insert(path.0, Settled { directory: number, shown });
                }
                Err(error) => return Err(SeenError::Read { line: at + 1, source: error.into() }),
            }
        }
        Ok(())
    }

    fn take_in(&mut self, directory: usize, record: Record) {
        if record.base.is_some() {
            self.kept_bytes += record.seen.as_ref().map_or(0, |seen| seen.size);
        }
        self.records.insert(record.path.0.clone(), Placed { directory, record });
    }

    /// Writes what is new to the first of the directories: all of it, or what was there before stays. A
    /// command's end needs no more: a power cut takes what it wrote as well.
    pub fn save(&self) -> Result<(), SeenError> {
        let Some(directory) = self.directories.first().filter(|_| self.is_changed) else { return Ok(()) };
        let opened = open_directory(directory).map_err(unwritten)?;
        atomic::replace(&opened, SEEN, &self.lines()?).map_err(unwritten)
    }

    /// The same, and on the disk when it returns: what a commit did to the project is there too.
    pub fn save_synced(&self) -> Result<(), SeenError> {
        self.save()?;
        let Some(directory) = self.directories.first() else { return Ok(()) };
        let sync = || {
            let opened = open_directory(directory)?;
            match openat(&opened, SEEN, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
                Err(Errno::NOENT) => return Ok(()),
                file => fsync(file?)?,
            }
            fsync(&opened)
        };
        sync().map_err(unwritten)
    }

    fn lines(&self) -> Result<Vec<u8>, SeenError> {
        let records = self.records.values().filter(|placed| placed.directory == 0);
        let settled = self.settled.iter().filter(|(_, settled)| settled.directory == 0);
        let lines = records.map(|placed| Line::Record(placed.record.clone())).chain(settled.map(
            |(path, settled)| Line::Settled { path: PathText(path.clone()), shown: settled.shown.clone() },
        ));
        let mut content = Vec::new();
        for line in lines {
            let written = serde_json::to_writer(&mut content, &line);
            written.map_err(|error| SeenError::Write { source: error.into() })?;
            content.push(b'\n');
        }
        Ok(content)
    }
}

fn unwritten(errno: Errno) -> SeenError {
    SeenError::Write { source: io_error(errno) }
}
