//! The files of the record: appended to under a lock, and begun anew when one is long.

use std::io::{self, Read as _, Take, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

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
    /// For whoever writes many lines: the file. Shared by all copies.
    held: Option<Arc<Mutex<Option<File>>>>,
}

/// How a file ended after the last line that this process wrote.
#[derive(Debug)]
struct Ended {
    /// Device and number.
    file: (u64, u64),
    size: u64,
    tail: Tail,
}

/// Whoever else writes a line makes the file longer.
static ENDED: Mutex<Option<Ended>> = Mutex::new(None);

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
        Self { directory: directory.to_owned(), longest: LONGEST, held: None }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The same for many lines: the file stays open.
    pub(super) fn holding(self) -> Self {
        Self { held: Some(Arc::default()), ..self }
    }

    #[cfg(test)]
    pub(super) fn with_longest(self, longest: u64) -> Self {
        Self { longest, ..self }
    }

    /// Writes one line after the last one, and tells its number. It is in the kernel's hands then: it outlives
    /// every process, and not a power cut shortly after.
    pub(super) fn append(&self, entry: &Entry<'_>) -> Result<u64, AuditError> {
        let path = self.directory.join(CURRENT);
        let mut held = self.held.as_ref().map(|held| held.lock().unwrap_or_else(PoisonError::into_inner));
        let known = held.as_mut().and_then(|held| held.take());
        let (mut file, stat) = self.lock_current(&path, known)?;
        let (number, size) = ((stat.st_dev, stat.st_ino), size_of(&stat));
        let tail = match Ended::take(number, size) {
            Some(tail) => tail,
            None => self.tail_at(&file, size, &path)?,
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
        // Before the lock is given up, and with it the right to say so.
        Ended { file: number, size: size + text.len() as u64, tail }.keep();
        if let Some(held) = &mut held {
            // The lock is the process's, which may be asked to wait for itself otherwise.
            let unlocked = file.lock(FlockOperation::Unlock);
            **held = unlocked.is_ok().then_some(file);
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
    fn lock_current(&self, path: &Path, mut known: Option<File>) -> Result<(File, Stat), AuditError> {
        loop {
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
            if size_of(&held) < self.longest {
                return Ok((file, held));
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

impl Ended {
    /// The end of this file, where it is the one, and as long as it was.
    fn take(file: (u64, u64), size: u64) -> Option<Tail> {
        let is_it = |ended: &mut Self| (ended.file, ended.size) == (file, size);
        let mut last = ENDED.lock().unwrap_or_else(PoisonError::into_inner);
        last.take_if(is_it).map(|ended| ended.tail)
    }

    fn keep(self) {
        *ENDED.lock().unwrap_or_else(PoisonError::into_inner) = Some(self);
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
