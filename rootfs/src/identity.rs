//! What a directory or file *is*, whatever its name.

use std::path::Path;

use rustix::fs::{Stat, fstat};
use serde::{Deserialize, Serialize};

use crate::boot::boot_id;
use crate::files::open_directory;

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

    /// The same thing's identity now, if it was taken down under that boot and stands at `path`: after
    /// another one its device may have another number.
    pub(crate) fn since(self, boot: &str, path: &Path) -> Self {
        if boot == boot_id() {
            return self;
        }
        let now = open_directory(path).and_then(fstat);
        Self { device: now.map_or(self.device, |stat| stat.st_dev), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_another_boot_the_device_is_the_present_one_and_the_inode_still_counts() {
        let folder = tempfile::tempdir().unwrap();
        let now = Identity::of(&open_directory(folder.path()).and_then(fstat).unwrap());
        let before = Identity { device: now.device + 1, ..now };
        assert_eq!(before.since("another", folder.path()), now);
        assert_eq!(before.since(&boot_id(), folder.path()), before);
        let other = Identity { inode: now.inode + 1, ..before };
        assert_ne!(other.since("another", folder.path()), now);
    }
}
