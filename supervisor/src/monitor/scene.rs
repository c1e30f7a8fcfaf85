//! Where a command runs, and what else runs there.

use std::time::Duration;

use clearing_runtime::Kept;
use clearing_runtime::cgroup::Group;

use super::processes;
use crate::place::Place;

/// Where a command runs, as far as it is looked at from outside.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) counted: Counted<'a>,
    pub(crate) place: &'a Place,
    pub(crate) kept: &'a Kept,
    /// Init, as the host numbers it.
    pub(crate) init: u32,
    pub(crate) beside: Beside,
}

/// The control groups in which it is counted what a command does.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counted<'a> {
    /// Of the sandbox.
    pub(crate) sandbox: Option<&'a Group>,
    /// Of the command, if it has limits of its own.
    pub(crate) leaf: Option<&'a Group>,
}

/// What else runs in the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    /// Nothing: the sandbox and its group are the command's own.
    NeverAnything,
    /// Nothing now, but something has run before.
    NothingNow,
    /// Other commands, or what they left. Of its processes alone a command's have this mark; so many are watched.
    Others { mark: u64, watched: u32 },
}

impl<'a> Counted<'a> {
    /// Where all runs in the sandbox's group.
    pub(crate) fn by(sandbox: Option<&'a Group>) -> Self {
        Self { sandbox, leaf: None }
    }

    /// The smallest that the command is in.
    pub(super) fn nearest(self) -> Option<&'a Group> {
        self.leaf.or(self.sandbox)
    }

    /// What a group counts is a command's own where it is the only one that was ever in it.
    pub(super) fn own(self, beside: Beside) -> Option<&'a Group> {
        self.leaf.or(self.sandbox.filter(|_| beside == Beside::NeverAnything))
    }
}

impl Beside {
    /// What the command's processes are told by, where there are others.
    pub(super) fn mark(self) -> Option<u64> {
        match self {
            Self::Others { mark, .. } => Some(mark),
            Self::NeverAnything | Self::NothingNow => None,
        }
    }

    pub(super) fn watched(self) -> u32 {
        match self {
            Self::Others { watched, .. } => watched.max(1),
            Self::NeverAnything | Self::NothingNow => 1,
        }
    }
}

/// Init is nobody whom the command can see, and so not in the list. What it reaped of others is nobody's.
pub(super) fn reaped_by_init(scene: Scene<'_>) -> Duration {
    match scene.beside {
        Beside::NeverAnything => processes::reaped_by(scene.init).unwrap_or_default(),
        Beside::NothingNow | Beside::Others { .. } => Duration::ZERO,
    }
}
