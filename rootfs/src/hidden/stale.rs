//! Whether a thing is what it was, by the times that the kernel gives it.

use rustix::fs::Stat;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// What the kernel said of a file or directory when it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: i64,
    modified: (i64, i64),
    changed: (i64, i64),
    /// A change at the same tick would leave no trace, so such a stamp proves nothing.
    settled: bool,
}

/// No file system that is in use has coarser times.
const COARSEST: i64 = 2;

impl Stamp {
    /// The stamp of what is read at `now`, or later.
    pub(super) fn of(stat: &Stat, now: i64) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: stat.st_size,
            modified: (stat.st_mtime, stat.st_mtime_nsec.cast_signed()),
            changed: (stat.st_ctime, stat.st_ctime_nsec.cast_signed()),
            settled: stat.st_ctime.saturating_add(COARSEST) < now,
        }
    }

    #[cfg(test)]
    pub(super) fn settle(&mut self) {
        self.settled = true;
    }

    /// Whether nothing has changed since. An empty stamp proves nothing.
    /// Nobody but the clock's owner can set the time of a change.
    pub(super) fn proves(&self, now: &Self) -> bool {
        self.settled && Self { settled: true, ..now.clone() } == *self
    }
}

/// Seconds.
pub(super) fn now() -> i64 {
    clock_gettime(ClockId::Realtime).tv_sec
}
