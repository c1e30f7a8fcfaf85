//! Which directory a commit of the session may write to.

use super::Session;
use crate::boot::boot_id;
use crate::files::open_directory;
use crate::identity::Identity;

impl Session {
    /// What the project is known by: after a boot its device may have another number.
    pub fn project_identity(&self) -> Identity {
        let Identity { device, inode } = self.record.identity;
        if self.record.boot == boot_id() {
            return Identity { device, inode };
        }
        let now = open_directory(self.record.project()).and_then(rustix::fs::fstat);
        Identity { device: now.map_or(device, |stat| stat.st_dev), inode }
    }
}
