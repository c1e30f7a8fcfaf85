//! Directories that are known to be empty: whoever puts something into one changes its times.

use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, openat, statat};

use crate::descent::some_entries;

/// What an empty directory looked like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emptiness {
    device: u64,
    inode: u64,
    changed: (i64, u64),
    modified: (i64, u64),
}

/// The clocks of file systems go by ticks: what was changed within the last one may be changed again unseen.
const TICK: Duration = Duration::from_millis(50);
/// So long a tick is at most where a file system keeps whole seconds (ext4 with small inodes) or pairs of them.
const COARSE: Duration = Duration::from_secs(3);

impl Emptiness {
    /// Looks at a directory; nothing if there is something in it, or where that could not be seen later on.
    pub fn of(directory: &Path) -> Option<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = openat(CWD, directory, flags, Mode::empty()).ok()?;
        // Before it is read: what comes after that is seen.
        let seen = Self::in_stat(&fstat(&opened).ok()?);
        let mut is_empty = true;
        while some_entries(opened.as_fd(), |_| is_empty = false).ok()? && is_empty {}
        let changed = Duration::new(u64::try_from(seen.changed.0).ok()?, u32::try_from(seen.changed.1).ok()?);
        let age = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + changed).ok()?;
        // A whole second may be all that the file system knows.
        let tick = if seen.changed.1 == 0 { COARSE } else { TICK };
        (is_empty && age > tick).then_some(seen)
    }

    /// Whether it is the same directory, and empty still.
    pub fn lasts(&self, directory: &Path) -> bool {
        let found = statat(CWD, directory, AtFlags::SYMLINK_NOFOLLOW);
        found
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir() && Self::in_stat(&stat) == *self)
    }

    fn in_stat(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            changed: (stat.st_ctime, stat.st_ctime_nsec),
            modified: (stat.st_mtime, stat.st_mtime_nsec),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

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
