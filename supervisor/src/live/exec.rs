//! One command of a living sandbox, and what it leaves.

use std::sync::Arc;
use std::time::Instant;

use clearing_profiles::Limits;
use clearing_runtime::Kept;
use clearing_runtime::cgroup::{Group, Leaf};

use super::asked::Reader;
use crate::audit::{Act, Past};
use crate::monitor::{Beside, Counted, Scene};
use crate::place::Place;
use crate::watch::{Output, Watch};

/// A command that was asked for, and whose end nobody has been told.
pub(super) struct Exec {
    pub(super) id: u32,
    pub(super) watch: Watch,
    pub(super) limits: Limits,
    /// How many variables it has.
    pub(super) variables: usize,
    pub(super) began: Instant,
    /// What its processes are told by, once it runs.
    pub(super) mark: Option<u64>,
    pub(super) output: Output,
    /// Who reads what it says, where there is somebody.
    pub(super) reader: Option<Arc<dyn Reader>>,
    /// Where it has limits of its own that the kernel holds.
    pub(super) leaf: Option<Leaf>,
    /// It has ended at our wish, and what it left is being ended.
    pub(super) is_clearing: bool,
    /// The line of the record that its end belongs to.
    pub(super) act: Option<Act>,
}

/// What a command left running. Its limits go on to hold.
pub(super) struct Rest {
    pub(super) id: u32,
    pub(super) mark: u64,
    pub(super) watch: Watch,
    /// The command's, as long as something is in it.
    pub(super) leaf: Option<Leaf>,
    /// What the record calls the command.
    pub(super) past: Option<Past>,
}

impl Exec {
    /// Kills what is in its leaf; init ends what has its mark.
    pub(super) fn kill_leaf(&self) {
        self.leaf.iter().for_each(|leaf| leaf.group().kill());
    }
}

impl Rest {
    /// The same of what is left.
    pub(super) fn kill_leaf(&self) {
        self.leaf.iter().for_each(|leaf| leaf.group().kill());
    }

    /// Looks at what is left, if it is time to: a leaf with nothing in it is removed.
    pub(super) fn look_at_leaf(&mut self) {
        if self.watch.due().is_some_and(|due| due <= Instant::now()) {
            self.leaf.take_if(|leaf| leaf.remove_if_empty());
        }
    }
}

/// What all commands of a sandbox have around them.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    pub(super) group: Option<&'a Group>,
    pub(super) place: &'a Place,
    pub(super) kept: &'a Kept,
    pub(super) init: u32,
    /// How many commands, and what others left, are watched.
    pub(super) watched: u32,
}

impl<'a> Common<'a> {
    /// The scene of one command.
    pub(super) fn scene(self, mark: Option<u64>, leaf: Option<&'a Leaf>) -> Scene<'a> {
        let Self { group, place, kept, init, .. } = self;
        let counted = Counted { sandbox: group, leaf: leaf.map(Leaf::group) };
        Scene { counted, place, kept, init, beside: self.beside(mark) }
    }

    pub(super) fn beside(self, mark: Option<u64>) -> Beside {
        match mark {
            Some(mark) if self.watched > 1 => Beside::Others { mark, watched: self.watched },
            _ => Beside::NothingNow,
        }
    }
}
