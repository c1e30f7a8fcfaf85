//! Groups that are given to other users, below the one that was delegated to us.
//!
//! ```text
//!   service ─┬─ supervisor            we
//!            ├─ user-1000             the user's: sandboxes are made here
//!            │   ├─ supervisor        ours, and a process of the user's is born in it
//!            │   └─ clearing-…
//!            └─ user-1001
//! ```
//! A user may make groups in what is given, and move what is theirs between them; what bounds or ends the whole
//! of it stays ours. <https://docs.kernel.org/admin-guide/cgroup-v2.html#delegation>

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid, chownat, fchmod, fchown, mkdirat, openat, unlinkat};
use rustix::io::Errno;

use super::hierarchy::{self, Own};
use super::unified::SUPERVISOR;
use super::{Kind, Unavailable, files, names};
use crate::error::{AtStage as _, Failure, Stage};

/// What a user must own to have groups of their own there.
const GIVEN: [&str; 3] = ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"];
/// How many groups a user may make there: whoever takes them back removes them one by one, and others wait.
const BOUNDS: [(&str, &str); 2] = [("cgroup.max.depth", "16"), ("cgroup.max.descendants", "8192")];
/// What is enabled for the groups below beside what limits: it measures.
const MEASURES: &str = "io";

/// The group that was delegated to us. It holds no process itself.
#[derive(Debug)]
pub struct Household {
    directory: OwnedFd,
    controllers: String,
}

/// A group that is given to a user.
#[derive(Debug)]
pub struct Given {
    parent: OwnedFd,
    directory: OwnedFd,
    leaf: OwnedFd,
    name: String,
}

impl Household {
    /// Takes the group that the calling process was started in, of version 2, and moves the process out of the
    /// way. What an earlier one left of a user's group is removed when that user is given one.
    pub fn enter() -> Result<Self, Failure> {
        let own = own_group()?;
        let is_inside = own.path.ends_with(SUPERVISOR);
        let path = if is_inside { own.path.parent().unwrap_or(&own.path) } else { &own.path };
        let directory = openat(rustix::fs::CWD, path, directory_flags(), Mode::empty())
            .at(Stage::Limits, || format!("open({path:?})"))?;
        if !is_inside {
            make(&directory, SUPERVISOR)?;
            files::set(&directory, "supervisor/cgroup.procs", "0")?;
        }
        let held = files::read(&directory, "cgroup.controllers")
            .at(Stage::Limits, || format!("read({:?})", path.join("cgroup.controllers")))?;
        let controllers = enabled(&held);
        files::set(&directory, "cgroup.subtree_control", &controllers)?;
        Ok(Self { directory, controllers })
    }

    /// Makes a group and gives it to a user. One of that name that is left is taken back first; `EBUSY` while
    /// something in it has not ended yet.
    pub fn give(&self, name: &str, uid: u32, gid: u32) -> Result<Given, Failure> {
        if let Ok(left) = names::open(&self.directory, name) {
            take_back(&self.directory, name, &left)?;
        }
        make(&self.directory, name)?;
        let open = |parent: &OwnedFd, name: &str| {
            openat(parent, name, directory_flags(), Mode::empty())
                .at(Stage::Limits, || format!("open({name:?})"))
        };
        let directory = open(&self.directory, name)?;
        files::set(&directory, "cgroup.subtree_control", &self.controllers)?;
        for (file, most) in BOUNDS {
            files::set(&directory, file, most)?;
        }
        make(&directory, SUPERVISOR)?;
        let leaf = open(&directory, SUPERVISOR)?;
        let (user, group) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        for file in GIVEN {
            chownat(&directory, file, user, group, AtFlags::SYMLINK_NOFOLLOW)
                .at(Stage::Limits, || format!("chown({name}/{file}, {uid}:{gid})"))?;
        }
        fchown(&directory, user, group).at(Stage::Limits, || format!("chown({name}, {uid}:{gid})"))?;
        let parent = self.directory.try_clone().at(Stage::Limits, || "fcntl(F_DUPFD_CLOEXEC)".into())?;
        Ok(Given { parent, directory, leaf, name: name.to_owned() })
    }
}

impl Given {
    /// Where the user's first process is born.
    pub(crate) fn leaf(&self) -> BorrowedFd<'_> {
        self.leaf.as_fd()
    }

    /// Ends every process in it and removes it; `EBUSY` while one has not ended yet: then it is to be tried
    /// again.
    pub fn take_back(&self) -> Result<(), Failure> {
        take_back(&self.parent, &self.name, &self.directory)
    }
}

fn take_back(parent: &OwnedFd, name: &str, directory: &OwnedFd) -> Result<(), Failure> {
    // Its own `cgroup.kill` was never given away, but the way to it was.
    own_again(directory).at(Stage::Limits, || format!("chown({name}) to ourselves"))?;
    files::set(directory, "cgroup.kill", "1")?;
    remove(parent, name, directory).at(Stage::Limits, || format!("rmdir({name:?})"))
}

/// Removes a group and all below it: whoever owned those has nothing in them any more.
fn remove(parent: &OwnedFd, name: &str, directory: &OwnedFd) -> Result<(), Errno> {
    own_again(directory)?;
    for below in names::below(directory) {
        let (us, ours) = ourselves();
        chownat(directory, &below, Some(us), Some(ours), AtFlags::SYMLINK_NOFOLLOW)?;
        remove(directory, &below, &openat(directory, &below, directory_flags(), Mode::empty())?)?;
    }
    unlinkat(parent, name, AtFlags::REMOVEDIR)
}

fn own_again(directory: &OwnedFd) -> Result<(), Errno> {
    let (us, ours) = ourselves();
    fchown(directory, Some(us), Some(ours))?;
    fchmod(directory, Mode::from_raw_mode(0o755))
}

fn ourselves() -> (Uid, Gid) {
    (rustix::process::geteuid(), rustix::process::getegid())
}

fn own_group() -> Result<Own, Failure> {
    let groups = hierarchy::own_groups().at(Stage::Limits, || "read(\"/proc/self/cgroup\")".into())?;
    let own = groups.into_iter().find(Own::is_unified).ok_or(Unavailable::NotMounted);
    let own = own.map_err(|unavailable| unavailable.into_failure())?;
    if own.path == own.top {
        return Err(Unavailable::NotDelegated { path: own.path }.into_failure());
    }
    Ok(own)
}

/// What groups below get, as it is written.
pub(super) fn enabled(held: &str) -> String {
    let wanted = Kind::ALL.iter().map(|kind| kind.controller()).chain([MEASURES]);
    let there = wanted.filter(|name| held.split_whitespace().any(|held| held == *name));
    there.map(|name| format!("+{name}")).collect::<Vec<_>>().join(" ")
}

fn make(parent: &OwnedFd, name: &str) -> Result<(), Failure> {
    match mkdirat(parent, name, Mode::from_raw_mode(0o755)) {
        Err(Errno::EXIST) => Ok(()),
        made => made.at(Stage::Limits, || format!("mkdir({name:?})")),
    }
}

fn directory_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

#[cfg(test)]
mod tests {
    use super::enabled;

    #[test]
    fn what_is_there_and_wanted_is_enabled() {
        assert_eq!(enabled("cpuset cpu io memory hugetlb pids rdma\n"), "+memory +pids +cpu +io");
        assert_eq!(enabled("pids"), "+pids");
        assert_eq!(enabled(""), "");
    }
}
