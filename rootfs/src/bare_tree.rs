//! A tree that holds directories and nothing else, as what a command that writes nothing leaves: to see that it is so
//! still takes one call a directory.

use std::ffi::{CStr, CString};
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustix::fs::{Stat, fstat};

use crate::directory_look::DirectoryLook;
use crate::written::Written;

/// All directories of such a tree, by their paths below its top, which is the first; and what they take.
#[derive(Debug)]
pub(crate) struct BareTree {
    directories: Vec<(CString, DirectoryLook)>,
    pub(crate) written: Written,
}

/// The one that was found last, if it was one.
pub(crate) type Memory = Arc<Mutex<Option<BareTree>>>;

/// Of a larger one nothing is kept.
const MOST: usize = 64;

/// What may be one, as it is read.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// When that began.
    since: Option<SystemTime>,
    /// None once there is something else.
    directories: Option<Vec<(CString, DirectoryLook)>>,
    /// The path of the directory that is read, with a slash at its end if it is not the top.
    here: Vec<u8>,
}

impl Reading {
    /// Nothing has been read of it yet.
    pub(crate) fn of(top: BorrowedFd<'_>) -> Self {
        let since = Some(SystemTime::now());
        let look = fstat(top).ok().map(|stat| vec![(c".".to_owned(), DirectoryLook::of(&stat))]);
        Self { since, directories: look, here: Vec::new() }
    }

    /// There is a directory, which has not been read yet.
    pub(crate) fn add(&mut self, name: &CStr, stat: &Stat) {
        let Some(directories) = self.directories.as_mut().filter(|found| found.len() < MOST) else {
            return self.add_other();
        };
        let path = CString::new([&self.here, name.to_bytes()].concat());
        directories.extend(path.ok().map(|path| (path, DirectoryLook::of(stat))));
    }

    /// There is something else.
    pub(crate) fn add_other(&mut self) {
        self.directories = None;
    }

    pub(crate) fn enter(&mut self, name: &CStr) {
        self.here.extend_from_slice(name.to_bytes());
        self.here.push(b'/');
    }

    pub(crate) fn leave(&mut self) {
        self.here.pop();
        let parent = self.here.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        self.here.truncate(parent);
    }

    /// All has been read.
    pub(crate) fn end(&mut self, written: Written) -> Option<BareTree> {
        let directories = self.directories.take().filter(|_| written.unread == 0)?;
        let since = self.since?;
        let are_old = directories.iter().all(|(_, look)| look.shows_changes_since(since));
        are_old.then_some(BareTree { directories, written })
    }
}

impl BareTree {
    /// What it takes, if it is the same below `top`.
    pub(crate) fn remembered(memory: &Memory, top: BorrowedFd<'_>) -> Option<Written> {
        let memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.as_ref().filter(|tree| tree.lasts(top)).map(|tree| tree.written)
    }

    pub(crate) fn remember(memory: &Memory, tree: Option<Self>) {
        *memory.lock().unwrap_or_else(PoisonError::into_inner) = tree;
    }

    fn lasts(&self, top: BorrowedFd<'_>) -> bool {
        self.directories.iter().all(|(path, look)| look.lasts(top, path.as_c_str()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    use std::time::Instant;

    use super::*;
    use crate::directory_look::TICK;
    use crate::written::Survey;

    fn survey(top: &File, memory: &Memory) -> Written {
        Survey::again(top.as_fd(), memory).go_on(Instant::now() + TICK * 100).expect("all")
    }

    fn paths(memory: &Memory) -> Option<Vec<String>> {
        let memory = memory.lock().expect("whole");
        let tree = memory.as_ref()?;
        let mut paths: Vec<_> =
            tree.directories.iter().map(|(path, _)| path.to_str().expect("text").to_owned()).collect();
        paths.sort();
        Some(paths)
    }

    /// Directories alone, known as that.
    fn known() -> (tempfile::TempDir, File, Memory) {
        let top = tempfile::tempdir().expect("a directory");
        for directory in ["a/b/c", "a/d", "e", "x.work/work"] {
            fs::create_dir_all(top.path().join(directory)).expect("made");
        }
        let (opened, memory) = (File::open(top.path()).expect("opened"), Memory::default());
        survey(&opened, &memory);
        assert_eq!(paths(&memory), None, "it is too new");
        std::thread::sleep(TICK * 2);
        assert_eq!(survey(&opened, &memory).inodes, 5);
        (top, opened, memory)
    }

    #[test]
    fn every_directory_is_known_and_what_they_take() {
        let (_top, opened, memory) = known();
        assert_eq!(paths(&memory).expect("known"), [".", "a", "a/b", "a/b/c", "a/d", "e", "x.work"]);
        assert_eq!(BareTree::remembered(&memory, opened.as_fd()), Some(survey(&opened, &memory)));
    }

    #[test]
    fn whatever_comes_goes_or_is_changed_anywhere_is_seen() {
        let changes: [fn(&Path); 6] = [
            |top| fs::write(top.join("a/b/c/file"), "1").expect("written"),
            |top| fs::create_dir(top.join("a/d/new")).expect("made"),
            |top| fs::remove_dir(top.join("e")).expect("removed"),
            |top| fs::rename(top.join("a/b"), top.join("e/b")).expect("moved"),
            |top| {
                fs::rename(top.join("a"), top.join("elsewhere")).expect("moved");
                std::os::unix::fs::symlink("elsewhere", top.join("a")).expect("linked");
            },
            |top| fs::set_permissions(top.join("a/d"), fs::Permissions::from_mode(0o711)).expect("set"),
        ];
        for change in changes {
            let (top, opened, memory) = known();
            change(top.path());
            assert_eq!(BareTree::remembered(&memory, opened.as_fd()), None);
            assert_eq!(survey(&opened, &memory), crate::written::written(opened.as_fd()));
        }
    }

    #[test]
    fn of_files_and_of_too_many_directories_nothing_is_kept() {
        let (top, opened, memory) = known();
        fs::write(top.path().join("a/file"), "1").expect("written");
        std::thread::sleep(TICK * 2);
        survey(&opened, &memory);
        assert_eq!(paths(&memory), None);
        fs::remove_file(top.path().join("a/file")).expect("removed");
        (0..MOST).for_each(|number| fs::create_dir(top.path().join(number.to_string())).expect("made"));
        std::thread::sleep(TICK * 2);
        survey(&opened, &memory);
        assert_eq!(paths(&memory), None);
    }
}
