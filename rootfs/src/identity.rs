//! What a directory or file *is*, whatever its name.

use rustix::fs::Stat;
use serde::{Deserialize, Serialize};

/// Device and inode: the thing itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The device that holds it.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
}

impl Identity {
    /// Takes the identity from what `stat(2)` says.
    pub(crate) fn of(stat: &Stat) -> Self {
        Self { device: stat.st_dev, inode: stat.st_ino }
    }
}
