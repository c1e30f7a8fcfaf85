//! What a directory looked like: whoever puts something into it, or takes something out, changes its times.

use std::os::fd::AsFd;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, FileType, Stat, statat};
use rustix::path::Arg;

/// Which directory it was, and when it was changed last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DirectoryLook {
    device: u64,
    inode: u64,
    changed: (i64, u64),
    modified: (i64, u64),
}

/// The clocks of file systems go by ticks: what was changed within the last one may be changed again unseen.
pub(crate) const TICK: Duration = Duration::from_millis(50);
/// So long a tick is at most where a file system keeps whole seconds (ext4 with small inodes) or pairs of them.
const COARSE: Duration = Duration::from_secs(3);

impl DirectoryLook {
    pub(crate) fn of(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            changed: (stat.st_ctime, stat.st_ctime_nsec),
            modified: (stat.st_mtime, stat.st_mtime_nsec),
        }
    }

    /// Whether it had not been changed for so long at that time, before it was looked at, that any change since then shows.
    pub(crate) fn shows_changes_since(&self, time: SystemTime) -> bool {
        let (Ok(seconds), Ok(rest)) = (u64::try_from(self.changed.0), u32::try_from(self.changed.1)) else {
            return false;
        };
        let age = time.duration_since(SystemTime::UNIX_EPOCH + Duration::new(seconds, rest));
        // A whole second may be all that the file system knows.
        let tick = if rest == 0 { COARSE } else { TICK };
        age.is_ok_and(|age| age > tick)
    }

    /// Whether what has that name is the same directory, unchanged.
    pub(crate) fn lasts(&self, at: impl AsFd, path: impl Arg) -> bool {
        let found = statat(at, path, AtFlags::SYMLINK_NOFOLLOW);
        found.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir() && Self::of(&stat) == *self)
    }
}
