//! `fs/list`: what is in a directory, level by level.

use std::collections::{BinaryHeap, VecDeque};
use std::ffi::{CStr, OsStr};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, OFlags, RawDir, statat};
use rustix::io::Errno;

use super::beneath::Top;
use super::error::{FileError, FileFault};
use super::stat::{entry, target};
use super::wire::{Entry, Kind, ListAnswer, ListRequest};

const USUAL: u32 = 1000;
const MOST: u32 = 50_000;
const DEEPEST: u32 = 64;

/// What is told so far.
struct Listing<'a> {
    top: &'a Top,
    limit: usize,
    hidden: bool,
    answer: ListAnswer,
}

pub(super) fn list(top: &Top, request: &ListRequest) -> Result<ListAnswer, FileError> {
    let path = request.path.as_ref().map_or(Path::new("."), |path| &path.0);
    let path = top.relative(path)?;
    let limit = request.limit.unwrap_or(USUAL).min(MOST) as usize;
    let answer = ListAnswer { entries: Vec::new(), truncated: false };
    let mut listing = Listing { top, limit, hidden: request.hidden.unwrap_or(true), answer };
    let depth = request.depth.unwrap_or(1).clamp(1, DEEPEST);
    let mut level = VecDeque::from([(path.clone(), None)]);
    for further in (0..depth).rev() {
        let mut next = VecDeque::new();
        while let Some((directory, index)) = level.pop_front() {
            let first = listing.answer.entries.len();
            match (listing.directory(&directory, index.is_none()), index) {
                (Ok(()), _) => {}
                (Err(errno), None) => return Err(FileFault::system("listing", &path, errno)),
                (Err(errno), Some(index)) => listing.unread(index, errno),
            }
            let told = listing.answer.entries.iter().enumerate().skip(first);
            let below = told.filter(|(_, entry)| further > 0 && entry.kind == Kind::Directory);
            next.extend(below.map(|(index, entry)| (entry.path.0.clone(), Some(index))));
        }
        level = next;
    }
    let ListAnswer { mut entries, truncated } = listing.answer;
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(ListAnswer { entries, truncated })
}

impl Listing<'_> {
    /// Tells what is in one directory, by name, as far as there is room.
    fn directory(&mut self, path: &Path, is_asked_for: bool) -> Result<(), Errno> {
        let room = self.limit - self.answer.entries.len();
        // Below what was asked for no link is followed, whatever was swapped for one.
        let held = match is_asked_for {
            true => self.top.open_at(path, OFlags::DIRECTORY),
            false => self.top.open_true(path, OFlags::DIRECTORY),
        }?;
        let (names, more) = first_names(held.as_fd(), room, self.hidden)?;
        self.answer.truncated |= more;
        for name in names {
            let Ok(stat) = statat(&held, &name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            let name = Path::new(&name);
            let full = if path == Path::new(".") { name.to_owned() } else { path.join(name) };
            self.answer.entries.push(entry(&full, &stat, || target(&held, name)));
        }
        Ok(())
    }

    fn unread(&mut self, index: usize, errno: Errno) {
        let entry: &mut Entry = &mut self.answer.entries[index];
        entry.unread = Some(format!("{:?}", nix::errno::Errno::from_raw(errno.raw_os_error())));
    }
}

/// The first names of a directory in their order, however many there are; and whether there are more.
fn first_names(directory: BorrowedFd<'_>, room: usize, hidden: bool) -> Result<(Vec<PathBuf>, bool), Errno> {
    let mut buffer = Vec::with_capacity(64 << 10);
    let mut reader = RawDir::new(directory, buffer.spare_capacity_mut());
    let (mut first, mut more) = (BinaryHeap::new(), false);
    while let Some(found) = reader.next() {
        let found = found?;
        let name = found.file_name();
        if !is_told(name, hidden) {
            continue;
        }
        first.push(PathBuf::from(OsStr::from_bytes(name.to_bytes())));
        if first.len() > room {
            first.pop();
            more = true;
        }
    }
    Ok((first.into_sorted_vec(), more))
}

fn is_told(name: &CStr, hidden: bool) -> bool {
    name != c"." && name != c".." && (hidden || !name.to_bytes().starts_with(b"."))
}
