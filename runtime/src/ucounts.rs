//! What the kernel counts for all that runs in a user namespace and those below it: `/proc/sys/user` of
//! [`namespaces(7)`](https://man7.org/linux/man-pages/man7/namespaces.7.html).

use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::{Errno, write};

use crate::error::{AtStage as _, Failure, Stage};

/// Files of a procfs, and how much of each a sandbox may have. Of instances a host has 128 for all that a user runs, of
/// watches so many as its memory allows.
const BOUNDS: [(&str, &str); 2] =
    [("sys/user/max_inotify_instances", "64"), ("sys/user/max_inotify_watches", "65536")];

/// Leaves the caller a part of what one sandbox could take from all that the caller runs. The procfs shows the bounds
/// of the user namespace of whoever opens them, who needs `CAP_SYS_RESOURCE` in it.
pub(crate) fn bound(procfs: &OwnedFd) -> Result<(), Failure> {
    BOUNDS.into_iter().try_for_each(|(path, most)| {
        let file = openat(procfs, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty());
        match file.and_then(|file| write(&file, most.as_bytes())) {
            // A kernel without inotify has none of it to take.
            Err(Errno::NOENT) => Ok(()),
            written => written.map(drop).at(Stage::Limits, || format!("write({path:?}, {most})")),
        }
    })
}
