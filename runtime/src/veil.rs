//! What of a directory is not shown: whiteouts in a file system of their own, as the layer above it.
//!
//! A mount over each hidden path would show an empty thing in its place, and nobody could remove or rename
//! the directories that lead there (`EBUSY`).

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{AtFlags, FileType, Mode, Timespec, Timestamps, chmodat, mkdirat, mknodat, utimensat};

use crate::detached::{PRIVATE, new_filesystem};
use crate::spec::VeiledDirectory;

/// What the overlay at `target` does not show, and the directories that lead there, outer before inner.
#[derive(Debug)]
pub(crate) struct Veil {
    pub(crate) target: PathBuf,
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) directories: Vec<VeiledDirectory>,
}

impl Veil {
    /// Makes the layer, unattached. No limit of the command's counts what is in it.
    pub(crate) fn lay(&self) -> io::Result<OwnedFd> {
        // One for its top, and room for what the kernel counts besides.
        let inodes = (self.directories.len() + self.paths.len() + 16).to_string();
        let options = [("size", "64k"), ("nr_inodes", &*inodes), ("mode", "0755")];
        let layer = new_filesystem("tmpfs", &options, PRIVATE)?;
        fill(&layer, self)?;
        Ok(layer)
    }
}

fn fill(top: &OwnedFd, veil: &Veil) -> io::Result<()> {
    for VeiledDirectory { path, .. } in &veil.directories {
        mkdirat(top, path, Mode::RWXU)?;
    }
    for path in &veil.paths {
        // A whiteout: the only device that anybody may make, mknod(2).
        mknodat(top, path, FileType::CharacterDevice, Mode::empty(), 0)?;
    }
    // A directory of the view has mode and times of the topmost layer that has it: inner ones first, since
    // what is made in a directory changes its time, and a mode may close it.
    for directory in veil.directories.iter().rev() {
        let VeiledDirectory { path, mode, seconds, nanoseconds } = directory;
        let time = Timespec { tv_sec: *seconds, tv_nsec: i64::from(*nanoseconds) };
        let times = Timestamps { last_access: time, last_modification: time };
        chmodat(top, path, Mode::from_raw_mode(*mode), AtFlags::empty())?;
        utimensat(top, path, &times, AtFlags::SYMLINK_NOFOLLOW)?;
    }
    Ok(())
}
