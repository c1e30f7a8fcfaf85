//! How much of the file system in memory is taken.

use std::os::fd::OwnedFd;

use clearing_profiles::{LimitName, Limits};
use rustix::fs::{fstat, fstatvfs};

use super::Breach;

/// What the file system says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Bytes in use.
    pub(super) bytes: u64,
    /// Files and directories.
    pub(super) inodes: u64,
    /// Bytes that are left.
    pub(super) left: u64,
    /// The device that its files are on.
    pub(super) device: u64,
    size: u64,
    most_inodes: u64,
}

/// Files and directories that were there before the command was: no limit is meant for them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SetUp {
    /// In memory.
    pub(super) in_memory: u64,
    /// On disk.
    pub(super) on_disk: u64,
}

impl Room {
    pub(super) fn of(top: &OwnedFd) -> Option<Self> {
        let stat = fstatvfs(top).ok()?;
        Some(Self {
            bytes: (stat.f_blocks - stat.f_bfree) * stat.f_frsize,
            inodes: stat.f_files - stat.f_ffree,
            left: stat.f_bfree * stat.f_frsize,
            device: fstat(top).ok()?.st_dev,
            size: stat.f_blocks * stat.f_frsize,
            most_inodes: stat.f_files,
        })
    }

    /// Which limit it is that leaves no room for another page or another file.
    pub(super) fn full(&self, limits: &Limits) -> Option<Breach> {
        if self.left == 0 {
            return Some(Breach { limit: LimitName::Disk, allowed: self.size, used: self.bytes });
        }
        if self.inodes < self.most_inodes {
            return None;
        }
        // Without a limit of their own small files take all inodes that there are for so many bytes.
        let size = Breach { limit: LimitName::Disk, allowed: self.size, used: self.bytes };
        let inodes = |allowed| Breach { limit: LimitName::Inodes, allowed, used: allowed };
        Some(limits.inodes.map_or(size, inodes))
    }
}
