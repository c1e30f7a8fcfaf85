//! How much a run has written below its own directory.

use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FileType, statat};
use rustix::io::Errno;

use crate::bare_tree::{BareTree, Memory, Reading};
use crate::descent::{Descent, some_entries, step};
use crate::layer_directory::{UPPER, WORK};

/// What a tree takes on its disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Bytes of all blocks; a file with several names counts once.
    pub bytes: u64,
    /// Files and directories. The directories that overlays write to are ours, and no file of a command's.
    pub inodes: u64,
    /// Directories that could not be looked into, and files that could not be looked at.
    pub unread: u64,
}

/// What `st_blocks` counts in.
const BLOCK: u64 = 512;

/// Adds up what lies below a directory, which may change meanwhile: what is moved about may be missed
/// this time.
pub fn written(top: BorrowedFd<'_>) -> Written {
    Survey::of(top).finish()
}

/// The length of the longest file below a directory, as far as it can be read.
pub fn longest_file(top: BorrowedFd<'_>) -> u64 {
    let mut survey = Survey::of(top);
    while survey.go_on(Instant::now() + ALL_AT_ONCE).is_none() {}
    survey.sum.longest
}

/// An addition that can be interrupted, for who has other things to do meanwhile.
pub struct Survey {
    /// None when there is nothing to be read.
    descent: Option<Descent>,
    /// The directories that were found and not yet entered, of each level down to the current one.
    pending: Vec<Vec<CString>>,
    /// Whether there is more to be read in the current directory.
    reading: bool,
    sum: Sum,
    /// Where it is kept for the next one what there was.
    memory: Option<Memory>,
}

/// Nobody waits.
const ALL_AT_ONCE: Duration = Duration::from_secs(60);

impl Survey {
    /// Nothing has been read yet.
    pub(crate) fn of(top: BorrowedFd<'_>) -> Self {
        // Opened anew: how far it was read is nobody else's business.
        let descent = step(top, c".").ok().map(Descent::new);
        let mut sum = Sum { bare: Reading::of(top), ..Sum::default() };
        sum.written.unread = u64::from(descent.is_none());
        Self { descent, pending: vec![Vec::new()], reading: true, sum, memory: None }
    }

    /// The same of a directory that the one before was of as well, which need not be read again where there are only
    /// directories, and nobody has put anything into them.
    pub(crate) fn again(top: BorrowedFd<'_>, memory: &Memory) -> Self {
        let Some(written) = BareTree::remembered(memory, top) else {
            return Self { memory: Some(Arc::clone(memory)), ..Self::of(top) };
        };
        let sum = Sum { written, ..Sum::default() };
        Self { descent: None, pending: Vec::new(), reading: false, sum, memory: None }
    }

    /// Goes on until then, or a little longer; gives the sum when all has been added.
    pub fn go_on(&mut self, until: Instant) -> Option<Written> {
        while self.advance() {
            if Instant::now() >= until {
                return None;
            }
        }
        if let Some(memory) = self.memory.take() {
            BareTree::remember(&memory, self.sum.bare.end(self.sum.written));
        }
        Some(self.sum.written)
    }

    /// Goes on to the end.
    pub(crate) fn finish(mut self) -> Written {
        loop {
            if let Some(written) = self.go_on(Instant::now() + ALL_AT_ONCE) {
                return written;
            }
        }
    }

    /// What has been added so far: no more than there is.
    pub fn so_far(&self) -> Written {
        self.sum.written
    }

    /// Reads some names or enters a directory; false when nothing is left.
    fn advance(&mut self) -> bool {
        let Self { descent: Some(descent), pending, reading, sum, .. } = self else { return false };
        let is_top = pending.len() == 1;
        let Some(directories) = pending.last_mut() else { return false };
        if *reading {
            let found = sum.add_some(descent.here(), is_top);
            *reading = found.is_some();
            // The kernel's own: a command cannot write there, and nobody can look into it.
            let is_own = |name: &CString| is_top && name.to_bytes().ends_with(WORK.as_bytes());
            directories.extend(found.into_iter().flatten().filter(|name| !is_own(name)));
            return true;
        }
        let Some(name) = directories.pop() else {
            pending.pop();
            sum.bare.leave();
            if pending.is_empty() {
                return false;
            }
            let is_back = descent.leave().is_ok();
            sum.written.unread += u64::from(!is_back);
            return is_back;
        };
        match descent.enter(&name) {
            Ok(()) => {
                pending.push(Vec::new());
                sum.bare.enter(&name);
                *reading = true;
            }
            Err(Errno::NOENT) => {}
            Err(_) => sum.written.unread += 1,
        }
        true
    }
}

#[derive(Default)]
struct Sum {
    written: Written,
    /// Bytes of the longest file.
    longest: u64,
    /// Files with several names.
    linked: HashSet<u64>,
    bare: Reading,
}

impl Sum {
    /// Adds as many names of a directory as the kernel gives at once, and returns the directories among
    /// them; none at the end.
    fn add_some(&mut self, directory: BorrowedFd<'_>, is_top: bool) -> Option<Vec<CString>> {
        let mut directories = Vec::new();
        let more = some_entries(directory, |entry| {
            self.add(directory, &entry.name, u64::from(!is_top || !is_of_a_layer(&entry.name)));
            if entry.kind == FileType::Directory {
                directories.push(entry.name);
            }
        });
        match more {
            Ok(more) => more.then_some(directories),
            Err(_) => {
                self.written.unread += 1;
                None
            }
        }
    }

    /// Adds what has that name, as so many files.
    fn add(&mut self, directory: BorrowedFd<'_>, name: &CStr, files: u64) {
        let stat = match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            // What is gone takes nothing.
            Err(Errno::NOENT) => return,
            // Whoever may list a directory need not be let into it.
            Err(_) => return self.written.unread += 1,
        };
        let kind = FileType::from_raw_mode(stat.st_mode);
        let is_directory = kind == FileType::Directory;
        if is_directory {
            self.bare.add(name, &stat);
        } else {
            self.bare.add_other();
        }
        if !is_directory && stat.st_nlink > 1 && !self.linked.insert(stat.st_ino) {
            return;
        }
        self.written.inodes += files;
        if kind == FileType::RegularFile {
            self.longest = self.longest.max(stat.st_size.unsigned_abs());
        }
        self.written.bytes += stat.st_blocks.unsigned_abs() * BLOCK;
    }
}

fn is_of_a_layer(name: &CStr) -> bool {
    [UPPER, WORK].iter().any(|ending| name.to_bytes().ends_with(ending.as_bytes()))
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
        assert_eq!(longest_file(opened.as_fd()), 100_000);
    }

    #[test]
    fn what_an_overlay_needs_is_no_file_of_a_command_s() {
        let top = tempfile::tempdir().expect("a directory");
        for directory in ["project.upper/x.upper", "project.work/work/hidden", "other"] {
            fs::create_dir_all(top.path().join(directory)).expect("made");
        }
        let opened = fs::File::open(top.path()).expect("opened");
        assert_eq!(written(opened.as_fd()).inodes, 2);
    }

    #[test]
    fn an_addition_that_is_interrupted_again_and_again_comes_to_the_same_sum() {
        let top = tempfile::tempdir().expect("a directory");
        for directory in ["a", "a/b", "c"] {
            fs::create_dir(top.path().join(directory)).expect("made");
            for number in 0..3000 {
                fs::write(top.path().join(directory).join(number.to_string()), "").expect("written");
            }
        }
        let opened = fs::File::open(top.path()).expect("opened");
        let (mut survey, mut turns) = (Survey::of(opened.as_fd()), 0);
        let sum = loop {
            turns += 1;
            if let Some(sum) = survey.go_on(Instant::now()) {
                break sum;
            }
        };
        assert_eq!((sum.inodes, sum), (9003, written(opened.as_fd())));
        assert!(turns > 9, "no turn reads a large directory at once: {turns}");
    }
}
