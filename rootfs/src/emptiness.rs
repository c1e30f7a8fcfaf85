//! Directories that are known to be empty: whoever puts something into one changes its times.

use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::SystemTime;

use rustix::fs::{CWD, Mode, OFlags, fstat, openat};

use crate::descent::some_entries;
use crate::directory_look::DirectoryLook;

/// What an empty directory looked like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emptiness(DirectoryLook);

impl Emptiness {
    /// Looks at a directory; nothing if there is something in it, or where that could not be seen later on.
    pub fn of(directory: &Path) -> Option<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = openat(CWD, directory, flags, Mode::empty()).ok()?;
        // Before it is read: what comes after that is seen.
        let now = SystemTime::now();
        let seen = DirectoryLook::of(&fstat(&opened).ok()?);
        let mut is_empty = true;
        while some_entries(opened.as_fd(), |_| is_empty = false).ok()? && is_empty {}
        (is_empty && seen.shows_changes_since(now)).then_some(Self(seen))
    }

    /// Whether it is the same directory, and empty still.
    pub fn lasts(&self, directory: &Path) -> bool {
        self.0.lasts(CWD, directory)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::directory_look::TICK;

    fn old_and_empty() -> (tempfile::TempDir, Emptiness) {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(Emptiness::of(directory.path()), None, "it is too new");
        std::thread::sleep(TICK * 2);
        let emptiness = Emptiness::of(directory.path()).expect("empty");
        assert!(emptiness.lasts(directory.path()));
        (directory, emptiness)
    }

    #[test]
    fn whatever_comes_goes_or_is_changed_ends_it() {
        let changes: [fn(&Path); 4] = [
            |top| fs::write(top.join("file"), "").expect("written"),
            |top| {
                fs::create_dir(top.join("directory")).expect("made");
                fs::remove_dir(top.join("directory")).expect("removed");
            },
            |top| fs::set_permissions(top, fs::Permissions::from_mode(0o711)).expect("set"),
            |top| {
                fs::remove_dir(top).expect("removed");
                std::os::unix::fs::symlink("/", top).expect("linked");
            },
        ];
        for change in changes {
            let (directory, emptiness) = old_and_empty();
            change(directory.path());
            assert!(!emptiness.lasts(directory.path()));
            if directory.path().is_symlink() {
                fs::remove_file(directory.path()).expect("removed");
            }
        }
    }

    #[test]
    fn what_holds_something_is_not_empty_however_old() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("file"), "").expect("written");
        std::thread::sleep(TICK * 2);
        assert_eq!(Emptiness::of(directory.path()), None);
    }
}
