//! Where init begins: on another processor than the supervisor, or it would wait for that one to pause.

use nix::sched::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;

use crate::error::{AtStage as _, Failure, Stage};

/// The processors that the caller may use, and those of them that it is not using now.
pub(crate) struct Processors {
    all: CpuSet,
    others: CpuSet,
}

impl Processors {
    /// None where there is nothing to choose from, or too much for the set that the C library has.
    pub(crate) fn of_caller() -> Option<Self> {
        let all = sched_getaffinity(Pid::from_raw(0)).ok()?;
        let mut others = all;
        others.unset(sched_getcpu().ok()?).ok()?;
        Some(Self { all, others })
    }

    /// Moves a process that has hardly begun. A kernel that does not gives it time later.
    pub(crate) fn part_with(&self, child: Pid) {
        let _ = sched_setaffinity(child, &self.others);
    }

    /// Gives the calling process the choice that the caller had; its commands inherit that.
    pub(crate) fn restore(&self) -> Result<(), Failure> {
        sched_setaffinity(Pid::from_raw(0), &self.all)
            .at(Stage::Init, || "sched_setaffinity(the caller's processors)".into())
    }
}
