//! How much a run has written below its own directory.

use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, FileType, statat};
use rustix::io::Errno;

use crate::descent::{Descent, Entry, entries};
use crate::layer_directory::WORK;

/// What a tree takes on its disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Bytes of all blocks; a file with several names counts once.
    pub bytes: u64,
    /// Files and directories.
    pub inodes: u64,
    /// Directories that could not be looked into.
    pub unread: u64,
}

/// What `st_blocks` counts in.
const BLOCK: u64 = 512;

/// Adds up what lies below a directory, which may change meanwhile: what is moved about may be missed
/// this time.
pub(crate) fn written(top: BorrowedFd<'_>) -> Written {
    let mut sum = Sum::default();
    // The directory itself could be opened once, or there were no run.
    let _ = top.try_clone_to_owned().map(|top| sum.walk(&mut Descent::new(top)));
    sum.written
}

#[derive(Default)]
struct Sum {
    written: Written,
    /// Files with several names.
    linked: HashSet<u64>,
}

impl Sum {
    fn walk(&mut self, descent: &mut Descent) -> Result<(), Errno> {
        let mut layers = self.add_all(descent.here());
        // The kernel's own: a command cannot write there, and nobody can look into it.
        layers.retain(|name| !name.to_bytes().ends_with(WORK.as_bytes()));
        let mut pending = vec![layers];
        while let Some(directories) = pending.last_mut() {
            if let Some(name) = directories.pop() {
                match descent.enter(&name) {
                    Ok(()) => pending.push(self.add_all(descent.here())),
                    Err(Errno::NOENT) => {}
                    Err(_) => self.written.unread += 1,
                }
                continue;
            }
            pending.pop();
            if !pending.is_empty() {
                descent.leave()?;
            }
        }
        Ok(())
    }

    /// Adds what a directory holds, and returns the names of the directories in it.
    fn add_all(&mut self, directory: BorrowedFd<'_>) -> Vec<CString> {
        let Ok(entries) = entries(directory) else {
            self.written.unread += 1;
            return Vec::new();
        };
        entries.iter().for_each(|entry| self.add(directory, &entry.name));
        let is_directory = |entry: &Entry| entry.kind == FileType::Directory;
        entries.into_iter().filter(is_directory).map(|entry| entry.name).collect()
    }

    fn add(&mut self, directory: BorrowedFd<'_>, name: &CStr) {
        // What is gone takes nothing.
        let Ok(stat) = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) else { return };
        let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        if !is_directory && stat.st_nlink > 1 && !self.linked.insert(stat.st_ino) {
            return;
        }
        self.written.inodes += 1;
        self.written.bytes += stat.st_blocks.unsigned_abs() * BLOCK;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn blocks_are_added_up_at_any_depth_and_a_file_with_two_names_counts_once() {
        let top = tempfile::tempdir().expect("a directory");
        let deep = top.path().join("a/b/c");
        fs::create_dir_all(&deep).expect("made");
        fs::write(deep.join("one"), vec![1; 100_000]).expect("written");
        fs::hard_link(deep.join("one"), top.path().join("two")).expect("linked");
        std::os::unix::fs::symlink("/usr", top.path().join("link")).expect("linked");
        let opened = fs::File::open(top.path()).expect("opened");
        let written = written(opened.as_fd());
        assert_eq!((written.inodes, written.unread), (5, 0));
        assert!((100_000..200_000).contains(&written.bytes), "{written:?}");
    }
}
