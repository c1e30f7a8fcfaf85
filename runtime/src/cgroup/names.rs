//! What our groups are called, and which of them are dead.
//!
//! The owner holds a lock on its group's directory, and so does its sweeper; a lock needs no look at
//! process ids, which are used again. The id in the name only spares a living owner's group the try.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, flock, openat, unlinkat};
use rustix::io::Errno;
use rustix::process::{Pid, getpid, test_kill_process};
use rustix::rand::{GetRandomFlags, getrandom};

const PREFIX: &str = "clearing-";

/// A name that no other group has.
pub(super) fn new() -> rustix::io::Result<String> {
    let mut random = [0; 4];
    getrandom(&mut random, GetRandomFlags::empty())?;
    Ok(format!("{PREFIX}{}-{:08x}", getpid().as_raw_nonzero(), u32::from_ne_bytes(random)))
}

/// Opens a directory for groups in it to be made, measured and removed by.
pub(super) fn open(parent: impl AsFd, name: &str) -> rustix::io::Result<OwnedFd> {
    openat(parent, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// Marks a group as having an owner, for as long as the descriptor is open in any process.
pub(super) fn lock(group: impl AsFd) -> rustix::io::Result<()> {
    flock(group, FlockOperation::NonBlockingLockExclusive)
}

/// Removes the groups in `parent` whose owners are gone. One that still holds processes stays: they
/// end with their init, which ended with its owner.
pub(super) fn collect(parent: impl AsFd) {
    for name in below(&parent).into_iter().filter(|name| owner_seems_gone(name)) {
        if open(&parent, &name).and_then(lock).is_ok() {
            let _ = remove(&parent, &name);
        }
    }
}

/// Removes a group, and leaves in it that hold no process; one that is gone already is as good.
pub(super) fn remove(parent: impl AsFd, name: &str) -> rustix::io::Result<()> {
    let unlink = |parent: BorrowedFd<'_>, name: &str| match unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Err(Errno::NOENT) => Ok(()),
        removed => removed,
    };
    match unlink(parent.as_fd(), name) {
        Err(Errno::BUSY) => {
            let group = open(&parent, name)?;
            below(&group).iter().try_for_each(|leaf| unlink(group.as_fd(), leaf))?;
            unlink(parent.as_fd(), name)
        }
        removed => removed,
    }
}

/// Whether there are groups in `place` besides the supervisor's own.
pub(super) fn others(place: impl AsFd) -> bool {
    below(place).iter().any(|name| name != super::unified::SUPERVISOR)
}

/// The names of the groups in a group.
pub(super) fn below(parent: impl AsFd) -> Vec<String> {
    let Ok(entries) = Dir::read_from(parent) else { return Vec::new() };
    let groups = entries.flatten().filter(|entry| entry.file_type() == FileType::Directory);
    let names = groups.filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned));
    names.filter(|name| !name.starts_with('.')).collect()
}

fn owner_seems_gone(name: &str) -> bool {
    let id = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-'));
    let owner = id.and_then(|(id, _)| Pid::from_raw(id.parse().ok()?));
    owner.is_some_and(|owner| test_kill_process(owner) == Err(Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_with_a_dead_owner_are_tried() {
        let dead = 0x3fff_fffe;
        assert!(owner_seems_gone(&format!("clearing-{dead}-0badcafe")));
        assert!(!owner_seems_gone(&new().expect("name")));
        for other in ["clearing-probe", "clearing-x-y", "clearing--1-0", "user.slice", "supervisor"] {
            assert!(!owner_seems_gone(other), "{other}");
        }
    }
}
