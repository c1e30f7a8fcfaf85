//! The file of a session, which has no name: what its execs keep on disk lies in pages of it, so that no exec costs a
//! descriptor.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{FallocateFlags, MemfdFlags, Mode, OFlags, fallocate};

use super::room::Room;

/// Where the execs of a session keep their output.
pub(crate) struct Shelf {
    pub(super) room: Arc<Room>,
    file: Mutex<File>,
}

/// Opened for the first page, and closed with the last one.
#[derive(Default)]
struct File {
    fd: Option<Arc<OwnedFd>>,
    /// So many pages it has had.
    pages: u64,
    /// Those of them that are nobody's.
    free: BTreeSet<u64>,
}

/// The pages of one exec, which sees them as a file of its own.
pub(super) struct Pages {
    shelf: Arc<Shelf>,
    fd: Option<Arc<OwnedFd>>,
    /// Where each of its own is in the session's file.
    taken: BTreeMap<u64, u64>,
}

/// Bytes of a page.
const PAGE: u64 = 256 * 1024;

impl Shelf {
    pub(crate) fn new(room: &Arc<Room>) -> Arc<Self> {
        Arc::new(Self { room: Arc::clone(room), file: Mutex::default() })
    }

    /// A page that is nobody else's, and the file that it is of.
    fn take(&self) -> Option<(u64, Arc<OwnedFd>)> {
        let mut file = self.lock();
        if file.fd.is_none() {
            file.fd = Some(Arc::new(self.make()?));
        }
        let fd = file.fd.as_ref().map(Arc::clone)?;
        let page = file.free.pop_first().unwrap_or_else(|| {
            file.pages += 1;
            file.pages - 1
        });
        Some((page, fd))
    }

    /// On the disk of the state directory; where that has no files without names, in memory.
    fn make(&self) -> Option<OwnedFd> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let made = rustix::fs::open(&*self.room.directory, flags, Mode::RUSR | Mode::WUSR);
        let made = made.or_else(|_| rustix::fs::memfd_create("clearing-output", MemfdFlags::CLOEXEC));
        made.ok()
    }

    fn lock(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl File {
    /// Takes pages back, and their place on the disk with them.
    fn take_back(&mut self, pages: &BTreeMap<u64, u64>) {
        if (self.free.len() + pages.len()) as u64 == self.pages {
            return *self = Self::default();
        }
        let Some(fd) = &self.fd else { return };
        let give_up = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        for page in pages.values() {
            // What the file system cannot give up goes with the file, and is written over until then.
            let _ = fallocate(fd, give_up, page * PAGE, PAGE);
            self.free.insert(*page);
        }
    }
}

impl Pages {
    pub(super) fn new(shelf: &Arc<Shelf>) -> Self {
        Self { shelf: Arc::clone(shelf), fd: None, taken: BTreeMap::new() }
    }

    /// Whether nothing was written yet.
    pub(super) fn are_none(&self) -> bool {
        self.taken.is_empty()
    }

    pub(super) fn write(&mut self, bytes: &[u8], at: u64) -> Option<()> {
        for (page, offset, range) in parts(at, bytes.len()) {
            let place = self.place(page)? * PAGE + offset;
            let (fd, mut left, mut at) = (self.fd.as_ref()?, &bytes[range], place);
            while !left.is_empty() {
                let written = rustix::io::pwrite(fd, left, at).ok()?;
                left = &left[written..];
                at += written as u64;
            }
        }
        Some(())
    }

    pub(super) fn read(&self, at: u64, length: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; length];
        for (page, offset, range) in parts(at, length) {
            let place = self.taken.get(&page)? * PAGE + offset;
            let (mut left, mut at) = (&mut bytes[range], place);
            while !left.is_empty() {
                match rustix::io::pread(self.fd.as_ref()?, &mut *left, at).ok()? {
                    0 => return None,
                    read => {
                        left = &mut left[read..];
                        at += read as u64;
                    }
                }
            }
        }
        Some(bytes)
    }

    /// Where a page is, which is taken if it is not there yet.
    fn place(&mut self, page: u64) -> Option<u64> {
        if let Some(place) = self.taken.get(&page) {
            return Some(*place);
        }
        let (place, fd) = self.shelf.take()?;
        self.fd = Some(fd);
        self.taken.insert(page, place);
        Some(place)
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if !self.taken.is_empty() {
            self.shelf.lock().take_back(&self.taken);
        }
    }
}

/// The pages that so many bytes are on: which, where they begin there, and which of the bytes they are.
fn parts(at: u64, length: usize) -> impl Iterator<Item = (u64, u64, Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let (at, begun) = (at + done as u64, done);
        let offset = at % PAGE;
        let room = usize::try_from(PAGE - offset).unwrap_or(usize::MAX);
        done += room.min(length - done);
        (done > begun).then_some((at / PAGE, offset, begun..done))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf() -> Arc<Shelf> {
        Shelf::new(&Room::new(&Arc::from(std::env::temp_dir()), u64::MAX))
    }

    fn written(shelf: &Arc<Shelf>, byte: u8, length: usize) -> Pages {
        let mut pages = Pages::new(shelf);
        pages.write(&vec![byte; length], 1000).expect("written");
        pages
    }

    fn blocks(shelf: &Shelf) -> i64 {
        let file = shelf.lock();
        rustix::fs::fstat(&**file.fd.as_ref().expect("a file")).expect("its size").st_blocks
    }

    #[test]
    fn each_reads_what_it_wrote_whoever_came_and_went_beside_it() {
        let (shelf, length) = (shelf(), 3 * 256 * 1024);
        let all: Vec<Pages> = (0..8).map(|byte| written(&shelf, byte, length)).collect();
        let (gone, kept): (Vec<_>, Vec<_>) = all.into_iter().zip(0..).partition(|(_, byte)| byte % 3 == 0);
        let had = shelf.lock().pages;
        drop(gone);
        let new: Vec<(Pages, u8)> = (100..103).map(|byte| (written(&shelf, byte, length), byte)).collect();
        assert_eq!(shelf.lock().pages, had);
        for (pages, byte) in kept.iter().chain(&new) {
            assert_eq!(pages.read(1000, length).expect("read"), vec![*byte; length]);
            assert_eq!(pages.read(4 << 20, 1), None);
        }
    }

    #[test]
    fn what_nobody_needs_is_given_back_and_the_file_with_the_last_of_it() {
        let shelf = shelf();
        let (one, two) = (written(&shelf, 1, 1 << 20), written(&shelf, 2, 1 << 20));
        let before = blocks(&shelf);
        drop(one);
        assert!(blocks(&shelf) <= before * 3 / 4, "{} of {before} blocks are left", blocks(&shelf));
        drop(two);
        assert!(shelf.lock().fd.is_none() && shelf.lock().pages == 0);
        assert_eq!(written(&shelf, 3, 10).read(1000, 10).expect("read"), vec![3; 10]);
    }
}
