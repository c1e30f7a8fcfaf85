//! Going down and up a tree by descriptor, where no name on the way can be trusted.
//!
//! Every step names one component relative to a held directory and follows no link, so a directory that
//! is swapped for a link meanwhile ends the step and never leads elsewhere. Only the last levels are kept
//! open; a tree of any depth costs a bounded number of descriptors.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RawDir, RawDirEntry, SeekFrom, fstat, openat, seek, statat,
};
use rustix::io::Errno;

use crate::identity::Identity;

/// The levels that stay open. Below a deeper level, the way back up is `..`, checked by identity.
const KEPT_OPEN: usize = 32;

const STEP: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A place in a tree: the directory that was last entered, and the way back to the top.
pub(crate) struct Descent {
    levels: Vec<Level>,
}

/// A level above the current one.
enum Level {
    Open(OwnedFd),
    LetGo(Identity),
}

/// One name in a directory.
pub(crate) struct Entry {
    pub(crate) name: CString,
    pub(crate) kind: FileType,
}

impl Descent {
    /// Starts at `top`, which is never left.
    pub(crate) fn new(top: OwnedFd) -> Self {
        Self { levels: vec![Level::Open(top)] }
    }

    /// The directory that this is at.
    pub(crate) fn here(&self) -> BorrowedFd<'_> {
        match self.levels.last() {
            Some(Level::Open(directory)) => directory.as_fd(),
            Some(Level::LetGo(_)) | None => unreachable!("the current level is always open"),
        }
    }

    /// Enters the directory `name`; a link under that name is `ELOOP` or `ENOTDIR`.
    pub(crate) fn enter(&mut self, name: &CStr) -> Result<(), Errno> {
        let directory = step(self.here(), name)?;
        self.push(directory)
    }

    /// Goes on in a directory that was opened beneath `here`.
    pub(crate) fn push(&mut self, directory: OwnedFd) -> Result<(), Errno> {
        self.levels.push(Level::Open(directory));
        let let_go = self.levels.len().checked_sub(KEPT_OPEN + 1);
        if let Some(level) = let_go.and_then(|index| self.levels.get_mut(index))
            && let Level::Open(directory) = &level
        {
            *level = Level::LetGo(Identity::of(&fstat(directory)?));
        }
        Ok(())
    }

    /// Goes back to the level above; `ESTALE` if the current directory was moved away meanwhile.
    pub(crate) fn leave(&mut self) -> Result<(), Errno> {
        let Some(Level::Open(left)) = self.levels.pop() else { return Err(Errno::STALE) };
        let Some(above) = self.levels.last_mut() else { return Err(Errno::STALE) };
        if let Level::LetGo(identity) = above {
            let parent = step(left, c"..")?;
            if Identity::of(&fstat(&parent)?) != *identity {
                return Err(Errno::STALE);
            }
            *above = Level::Open(parent);
        }
        Ok(())
    }
}

/// Opens one directory beneath another without following a link.
pub(crate) fn step(directory: impl AsFd, name: &CStr) -> Result<OwnedFd, Errno> {
    openat(directory, name, STEP, Mode::empty())
}

/// For so many bytes of names at once; on the stack a thread would keep all of it, whatever is read.
const ROOM: usize = 32 * 1024;

/// Reads all names of a directory but `.` and `..`, from its start.
pub(crate) fn entries(directory: BorrowedFd<'_>) -> Result<Vec<Entry>, Errno> {
    seek(directory, SeekFrom::Start(0))?;
    let mut buffer = Vec::with_capacity(ROOM);
    let mut reader = RawDir::new(directory, buffer.spare_capacity_mut());
    let mut entries = Vec::new();
    while let Some(entry) = reader.next() {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            entries.push(Entry { name: name.to_owned(), kind: kind_of(directory, &entry) });
        }
    }
    Ok(entries)
}

/// Goes on reading the names of a directory, as many as the kernel gives at once; false at the end.
pub(crate) fn some_entries(directory: BorrowedFd<'_>, mut each: impl FnMut(Entry)) -> Result<bool, Errno> {
    let mut buffer = Vec::with_capacity(ROOM);
    let mut reader = RawDir::new(directory, buffer.spare_capacity_mut());
    loop {
        let Some(entry) = reader.next() else { return Ok(false) };
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            each(Entry { name: name.to_owned(), kind: kind_of(directory, &entry) });
        }
        if reader.is_buffer_empty() {
            return Ok(true);
        }
    }
}

/// Some file systems leave the type out of the listing.
fn kind_of(directory: BorrowedFd<'_>, entry: &RawDirEntry<'_>) -> FileType {
    match entry.file_type() {
        FileType::Unknown => statat(directory, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)
            .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode)),
        known => known,
    }
}
