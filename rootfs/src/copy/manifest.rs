//! What stood in a working copy when it was made: one record for each path, in the order of a walk.

use std::ffi::CStr;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, Stat, openat};
use rustix::io::Errno;

/// What the kernel says of a path, as far as a change of it would show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) mode: u32,
    inode: u64,
    size: u64,
    modified: (i64, u64),
    changed: (i64, u64),
}

/// One path and what stood there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) path: PathBuf,
    pub(super) seen: Seen,
}

/// Numbers in a record, behind the length of its path.
const NUMBERS: usize = 7;

impl Seen {
    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            mode: stat.st_mode,
            inode: stat.st_ino,
            size: stat.st_size.unsigned_abs(),
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    pub(super) fn is_directory(&self) -> bool {
        FileType::from_raw_mode(self.mode).is_dir()
    }

    /// Whether it was written so shortly before `end` that a change after it may bear the same time.
    pub(super) fn is_unsure(&self, end: (i64, u64)) -> bool {
        /// More than the kernel's clock ever stands still.
        const TICK: i128 = 20_000_000;
        let nanoseconds = |(s, ns): (i64, u64)| i128::from(s) * 1_000_000_000 + i128::from(ns);
        nanoseconds(self.changed) + TICK >= nanoseconds(end)
    }

    fn numbers(&self) -> [u64; NUMBERS] {
        let ((ms, mn), (cs, cn)) = (self.modified, self.changed);
        [self.mode.into(), self.inode, self.size, ms as u64, mn, cs as u64, cn]
    }

    fn from_numbers([mode, inode, size, ms, mn, cs, cn]: [u64; NUMBERS]) -> Self {
        let (modified, changed) = ((ms as i64, mn), (cs as i64, cn));
        Self { mode: mode as u32, inode, size, modified, changed }
    }
}

/// An open file, read or written from where it is.
struct Stream(OwnedFd);

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(&self.0, buffer)?)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(&self.0, bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A manifest on its way to disk.
pub(super) struct ManifestWriter(BufWriter<Stream>);

impl ManifestWriter {
    pub(super) fn create(directory: &OwnedFd, name: &CStr) -> Result<Self, Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(directory, name, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(Self(BufWriter::new(Stream(file))))
    }

    pub(super) fn add(&mut self, path: &Path, seen: &Seen) -> io::Result<()> {
        let path = path.as_os_str().as_bytes();
        self.0.write_all(&(path.len() as u64).to_le_bytes())?;
        seen.numbers().iter().try_for_each(|number| self.0.write_all(&number.to_le_bytes()))?;
        self.0.write_all(path)
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A manifest that is read from its start.
pub(super) struct Manifest {
    records: BufReader<Stream>,
    /// When it was written to last, which is when the copy was whole.
    pub(super) end: (i64, u64),
}

impl Manifest {
    pub(super) fn open(directory: &OwnedFd, name: &CStr) -> Result<Self, Errno> {
        let file =
            openat(directory, name, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        let end = Seen::of(&rustix::fs::fstat(&file)?).modified;
        Ok(Self { records: BufReader::new(Stream(file)), end })
    }

    /// The next record; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Record>> {
        let mut head = [[0; 8]; NUMBERS + 1];
        match self.records.read_exact(&mut head[0]) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        head[1..].iter_mut().try_for_each(|number| self.records.read_exact(number))?;
        let [length, numbers @ ..] = head.map(u64::from_le_bytes);
        let mut path = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        self.records.read_exact(&mut path)?;
        let path = PathBuf::from(std::ffi::OsString::from_vec(path));
        Ok(Some(Record { path, seen: Seen::from_numbers(numbers) }))
    }
}
