//! The files of the record: appended to under a lock, and begun anew when one is long.

use std::io::{self, Read as _, Take, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{CWD, Dir, FlockOperation, Mode, OFlags, Stat, fstat, ftruncate, openat, renameat, stat};
use rustix::io::Errno;
use serde::Serialize;

use super::entry::Entry;
use super::error::AuditError;
use super::file::File;
use super::tail::{Tail, hash_of_line};
use crate::text::json;

/// Where the record of a state directory is.
#[derive(Debug, Clone)]
pub(super) struct Log {
    directory: PathBuf,
    /// So long may a file be before the next one is begun.
    longest: u64,
}

/// The file that was written to last, and how it ended then. While it is open nobody else's has its number.
#[derive(Debug)]
struct Held {
    path: PathBuf,
    file: File,
    size: u64,
    tail: Tail,
}

/// By this process, whichever of its handles wrote; nothing while one does.
static HELD: Mutex<Option<Held>> = Mutex::new(None);

/// A line as it is written.
#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    previous: &'a str,
    time: String,
    #[serde(skip_serializing_if = "is_none")]
    torn: u64,
    #[serde(flatten)]
    entry: &'a Entry<'a>,
}

/// The file that is written to, as far as it is whole.
pub(super) type Newest = (PathBuf, Take<File>);

const CURRENT: &str = "audit.jsonl";
const LONGEST: u64 = 16 << 20;

impl Log {
    pub(super) fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), longest: LONGEST }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    #[cfg(test)]
    pub(super) fn with_longest(self, longest: u64) -> Self {
        Self { longest, ..self }
    }

    /// Writes one line after the last one, and tells its number. It is in the kernel's hands then: it outlives
    /// every process, and not a power cut shortly after.
    pub(super) fn append(&self, entry: &Entry<'_>) -> Result<u64, AuditError> {
        let path = self.directory.join(CURRENT);
        let known = Held::take(&path).map(|Held { file, size, tail, .. }| (file, (size, tail)));
        let (known_file, end) = known.unzip();
        let (mut file, size, is_known) = self.lock_current(&path, known_file)?;
        let tail = match end {
            // Whoever else wrote a line has made it longer.
            Some((known, tail)) if is_known && known == size => tail,
            _ => self.tail_at(&file, size, &path)?,
        };
        let line = Line {
            seq: tail.number.saturating_add(1),
            previous: &tail.hash,
            time: jiff::Timestamp::now().to_string(),
            torn: tail.torn,
            entry,
        };
        // What was torn gets its end now, unless it ended the file before.
        let mut text = if tail.torn > 0 && size > 0 { b"\n".to_vec() } else { Vec::new() };
        let written = json(&line).map_err(io::Error::from).and_then(|line| {
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
            file.write_all(&text)
        });
        written.map_err(|error| {
            // Half a line is worse than none. Where even that fails, the next one finds it torn.
            let _ = ftruncate(&file.0, size);
            AuditError::at("writing", &path, error)
        })?;
        let seq = line.seq;
        let of_line = text.strip_prefix(b"\n").unwrap_or(&text);
        let tail = Tail { number: seq, hash: hash_of_line(of_line), torn: 0 };
        let size = size + text.len() as u64;
        // The lock lasts as long as the file is open, which it stays.
        if file.lock(FlockOperation::Unlock).is_ok() {
            Held { path, file, size, tail }.keep();
        }
        Ok(seq)
    }

    /// What the next line goes on from.
    fn tail_at(&self, file: &File, size: u64, path: &Path) -> Result<Tail, AuditError> {
        let tail = Tail::of(file, size).map_err(|error| AuditError::at("reading", path, error))?;
        tail.map_or_else(|| self.tail_of_older(), Ok)
    }

    /// The full files, oldest first, and the newest one as far as it is written now.
    pub(super) fn files(&self) -> Result<(Vec<PathBuf>, Option<Newest>), AuditError> {
        let path = self.directory.join(CURRENT);
        let current = match File::read_only(&path) {
            Err(error) if error.is_missing() => None,
            file => {
                let file = file?;
                // Nobody begins a new file, or is in the middle of a line, while the lock is held.
                let failed = |errno| AuditError::at("looking at", &path, errno);
                file.lock(FlockOperation::LockShared).map_err(failed)?;
                let size = size(&file).map_err(failed)?;
                Some(file.take(size))
            }
        };
        let older = self.older()?.into_iter().map(|(_, path)| path).collect();
        if let Some(current) = &current {
            let _ = current.get_ref().lock(FlockOperation::Unlock);
        }
        Ok((older, current.map(|current| (path, current))))
    }

    /// Opens the file that is written to, unless it is `known`, and waits until nobody else writes.
    fn lock_current(&self, path: &Path, mut known: Option<File>) -> Result<(File, u64, bool), AuditError> {
        loop {
            let is_known = known.is_some();
            let file = known.take().map_or_else(|| File::append(path), Ok)?;
            let locked = file.lock(FlockOperation::LockExclusive);
            locked.map_err(|errno| AuditError::at("locking", path, errno))?;
            let failed = |errno| AuditError::at("looking at", path, errno);
            let held = fstat(&file.0).map_err(failed)?;
            match stat(path) {
                Ok(named) if (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino) => {}
                // Another process began the next file while we waited.
                Ok(_) | Err(Errno::NOENT) => continue,
                Err(errno) => return Err(failed(errno)),
            }
            let size = size_of(&held);
            if size < self.longest {
                return Ok((file, size, is_known));
            }
            self.set_aside(path)?;
        }
    }

    /// Gives the full file the next number; who waits for it finds its name gone.
    fn set_aside(&self, path: &Path) -> Result<(), AuditError> {
        let next = self.older()?.last().map_or(1, |(number, _)| number.saturating_add(1));
        let to = self.directory.join(format!("audit-{next:08}.jsonl"));
        renameat(CWD, path, CWD, &to).map_err(|errno| AuditError::at("setting aside", path, errno))
    }

    /// Where the record stands if its newest file is still empty.
    fn tail_of_older(&self) -> Result<Tail, AuditError> {
        for (_, path) in self.older()?.iter().rev() {
            let file = File::read_only(path)?;
            let tail = size(&file).map_err(io::Error::from).and_then(|size| Tail::of(&file, size));
            if let Some(tail) = tail.map_err(|error| AuditError::at("reading", path, error))? {
                return Ok(tail);
            }
        }
        Ok(Tail::nothing())
    }

    /// The files that are full, by number.
    fn older(&self) -> Result<Vec<(u64, PathBuf)>, AuditError> {
        let failed = |errno| AuditError::at("looking for", self.directory.join(CURRENT), errno);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = match openat(CWD, &self.directory, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(Vec::new()),
            directory => directory.map_err(failed)?,
        };
        let mut older = Vec::new();
        for entry in Dir::read_from(directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            let number = name.strip_prefix("audit-").and_then(|name| name.strip_suffix(".jsonl"));
            if let Some(number) = number.and_then(|number| number.parse().ok()) {
                older.push((number, self.directory.join(name)));
            }
        }
        older.sort();
        Ok(older)
    }
}

impl Held {
    /// The one at this path, if it is the last.
    fn take(path: &Path) -> Option<Self> {
        HELD.lock().unwrap_or_else(PoisonError::into_inner).take_if(|held| held.path == path)
    }

    fn keep(self) {
        let last = HELD.lock().unwrap_or_else(PoisonError::into_inner).replace(self);
        // Closed with nobody waiting.
        drop(last);
    }
}

fn size(file: &File) -> Result<u64, Errno> {
    Ok(size_of(&fstat(&file.0)?))
}

fn size_of(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_none(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests;
