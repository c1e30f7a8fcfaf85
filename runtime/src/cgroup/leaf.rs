//! The group of one command, below that of its sandbox, in which nobody is but in leaves.
//!
//! ```text
//!   clearing-…      what all commands may have together
//!    ├─ init        init, and every command without limits of its own
//!    ├─ exec-3      a command with limits of its own, and what it has begun
//!    └─ exec-7
//! ```
//! A group that gives controllers to those below it holds no processes itself. A command comes into its leaf before anything
//! else is done with it, by writing to the one file that its supervisor has opened for that: the kernel asks what
//! whoever opened it may do. With `CLONE_INTO_CGROUP` it would ask init, which sees no group but its own from its
//! cgroup namespace, and owns none where root has shifted its ids.
//! <https://docs.kernel.org/admin-guide/cgroup-v2.html#delegation-containment>

use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, mkdirat, openat};
use rustix::io::Errno;

use super::group::{Group, Inhabited};
use super::{Kind, Limits, files, given, names};
use crate::error::{AtStage as _, Failure, Stage};

/// A command's own group. Dropped, it ends every process in it and is removed.
#[derive(Debug)]
pub struct Leaf(Group);

/// Where init is.
const INIT: &str = "init";

impl Group {
    /// Makes the leaf of a command, with limits of its own; what became of each is in its [`Group::enforced`].
    /// `EINVAL` where this group has no leaves.
    pub fn leaf(&self, exec: u32, limits: Limits) -> Result<Leaf, Failure> {
        let mut group = self.make_below(&format!("exec-{exec}"))?;
        group.limit(limits);
        Ok(Leaf(group))
    }

    /// Whether its commands may have leaves.
    pub fn has_leaves(&self) -> bool {
        matches!(self.inhabited, Inhabited::Leaves(_))
    }

    /// Whether [`Group::enforced`] holds a limit of this kind.
    pub fn holds(&self, kind: Kind) -> bool {
        self.enforced().iter().any(|limit| limit.kind == kind && limit.taken.is_ok())
    }
}

impl Leaf {
    /// What it limits, counts and ends.
    pub fn group(&self) -> &Group {
        &self.0
    }

    /// Whether a process is in it.
    pub fn is_inhabited(&self) -> bool {
        let events =
            self.0.own_directory().and_then(|directory| files::read(directory, "cgroup.events").ok());
        events.and_then(|events| files::value_of(&events, "populated")) == Some(1)
    }

    /// Removes it if nothing is left in it; true once it is gone.
    pub fn remove_if_empty(&self) -> bool {
        self.0.remove_if_empty()
    }

    /// What a process is to write `0` to.
    pub(crate) fn entrance(&self) -> Result<OwnedFd, Failure> {
        let open = || {
            let directory = self.0.own_directory().ok_or(Errno::INVAL)?;
            openat(directory, ENTRANCE, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
        };
        open().at(Stage::Limits, || format!("open({ENTRANCE:?})"))
    }
}

const ENTRANCE: &str = "cgroup.procs";

/// Lets the groups in a new one have what it has.
pub(super) fn give_controllers(group: &OwnedFd) -> Result<(), Failure> {
    let held =
        files::read(group, "cgroup.controllers").at(Stage::Limits, || "read(cgroup.controllers)".into())?;
    files::set(group, "cgroup.subtree_control", &given::enabled(&held))
}

pub(super) fn make_for_init(group: &OwnedFd) -> Result<OwnedFd, Failure> {
    mkdirat(group, INIT, Mode::from_raw_mode(0o755)).at(Stage::Limits, || format!("mkdir({INIT:?})"))?;
    names::open(group, INIT).at(Stage::Limits, || format!("open({INIT:?})"))
}
