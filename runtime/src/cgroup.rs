//! Control groups: what limits a sandbox as a whole and counts what it uses.
//!
//! ```text
//!   Groups::find ──▶ create ──▶ Sandbox::launch ──▶ limit ──▶ exec, sample, events ──▶ remove
//!   looks around     mkdir      v2: init is born       writes,    │ supervisor killed
//!                                   in it              sweeper    ▼
//!                               v1: ───────────────▶   attach    sweeper: kill, rmdir
//! ```
//! A limit counts as enforced only when the kernel took it ([`Group::enforced`]). All is done below a
//! held descriptor of the group's directory, by few calls: a group must not make a run slow.

mod alarm;
mod files;
mod given;
mod group;
mod hierarchy;
mod leaf;
mod legacy;
mod limits;
mod manager;
mod names;
mod sweeper;
mod unified;
mod usage;

use std::path::PathBuf;
use std::time::Duration;

use crate::error::{AtStage as _, Failure, Stage};
use crate::sandbox::Sandbox;

pub use given::{Given, Household};
pub use group::Group;
pub(crate) use group::Settling;
pub use leaf::Leaf;
pub use limits::Enforcement;
pub(crate) use sweeper::{Sweeping, sweep_away};
pub use usage::{Cpu, Events, Pressure, Sample};

/// What a group may use; none is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Bytes, of all kinds that the kernel charges: anonymous, shared, tmpfs, page cache, kernel.
    pub memory: Option<u64>,
    /// Processes and threads, init not counted.
    pub processes: Option<u64>,
    /// Processor time in thousandths of one processor.
    pub cpu: Option<u32>,
}

/// A limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// [`Limits::memory`].
    Memory,
    /// [`Limits::processes`].
    Processes,
    /// [`Limits::cpu`].
    Cpu,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Memory, Self::Processes, Self::Cpu];

    /// The kernel's name for what limits it.
    pub fn controller(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Processes => "pids",
            Self::Cpu => "cpu",
        }
    }
}

/// A version of control groups. <https://man7.org/linux/man-pages/man7/cgroups.7.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// One hierarchy.
    V2,
    /// A hierarchy for each controller.
    V1,
}

/// How far [`Groups::find`] goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Search {
    /// Where nothing is delegated to us: whether systemd may be asked for a scope of our own. That
    /// takes about 0.3 s, and moves this process.
    pub ask_manager: bool,
    /// One version alone, even if it limits nothing here; for tests.
    pub only: Option<Version>,
}

/// Where this process may make groups.
#[derive(Debug)]
pub struct Groups {
    place: Place,
    asked: Option<Duration>,
}

#[derive(Debug)]
enum Place {
    Unified(unified::Place, Option<unified::Moved>),
    Legacy(Vec<legacy::Place>),
}

/// Why this process can make no group that limits anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Neither version, or not where our own group lies.
    #[error("no hierarchy of control groups is in view")]
    NotMounted,
    /// A service manager runs that part of the tree.
    #[error("{path:?} is not delegated to us")]
    NotDelegated {
        /// Our own group, or the one above it.
        path: PathBuf,
    },
    /// Controllers can be had only by a group without processes, and these are not ours to move.
    #[error("other processes are in {path:?}, so nothing can be limited below it")]
    Shared {
        /// Our own group.
        path: PathBuf,
    },
    /// The hierarchy is there without what limits a run.
    #[error("{path:?} has none of the controllers memory, pids and cpu")]
    NoControllers {
        /// Our own group, or the one above it.
        path: PathBuf,
    },
    /// A command of a sandbox can have a group of its own in version 2 alone.
    #[error("one command alone has no group in version 1")]
    WithoutLeaves,
    /// No process may be moved to where groups can be made from where it is.
    #[error("the sandbox lies outside of {path:?}")]
    Elsewhere {
        /// There they could be made.
        path: PathBuf,
    },
    /// The kernel refused.
    #[error("no group can be made")]
    Refused(#[source] Failure),
    /// systemd was asked for a scope, and gave none.
    #[error("systemd gave no scope: {answer}")]
    NoScope {
        /// What it, or the attempt to ask it, said.
        answer: String,
        /// Why it was asked.
        #[source]
        before: Box<Unavailable>,
    },
}

impl Unavailable {
    /// The same as a failed step, with the error number that fits best.
    pub fn into_failure(self) -> Failure {
        let errno = match self {
            Self::Refused(failure) => return failure,
            Self::NotMounted | Self::NoControllers { .. } => libc::ENOENT,
            Self::NotDelegated { .. } | Self::NoScope { .. } => libc::EACCES,
            Self::Shared { .. } => libc::EBUSY,
            Self::WithoutLeaves => libc::ENOSYS,
            Self::Elsewhere { .. } => libc::EXDEV,
        };
        Failure { stage: Stage::Limits, action: self.to_string(), errno }
    }
}

impl Groups {
    /// Finds where groups can be made, strongest first: version 2 next to our own group or below it,
    /// version 1 below our own groups, and if the search says so a scope of systemd's.
    ///
    /// May move the calling process into a group of its own, which costs about 10 ms; the next command
    /// that is started from there needs none of it.
    pub fn find(search: Search) -> Result<Self, Unavailable> {
        let first = match look(search, false).and_then(|place| Self::at(place, None)) {
            Err(unavailable) if search.ask_manager && search.only != Some(Version::V1) => unavailable,
            found => return found,
        };
        if !unified::is_booted_with_systemd() {
            return Err(first);
        }
        if manager::delegates_ours() {
            // Unless somebody else is in it.
            let found = look(search, true).and_then(|place| Self::at(place, None));
            if found.is_ok() {
                return found;
            }
        }
        let asked = manager::take_scope();
        let asked = asked
            .map_err(|error| Unavailable::NoScope { answer: error.to_string(), before: first.into() })?;
        Self::at(look(search, true)?, Some(asked))
    }

    fn at(mut place: Place, asked: Option<Duration>) -> Result<Self, Unavailable> {
        if let Place::Unified(unified, moved) = &mut place {
            *moved = unified.prepare()?;
        }
        Ok(Self { place, asked })
    }

    /// Which version the groups will be of.
    pub fn version(&self) -> Version {
        self.place.version()
    }

    /// What groups made here can limit.
    pub fn controllers(&self) -> Vec<Kind> {
        self.place.controllers()
    }

    /// How long systemd took to give us a scope, if it was asked.
    pub fn asked(&self) -> Option<Duration> {
        self.asked
    }

    /// Makes an empty group without limits: [`crate::Sandbox::limit`] sets them beside init's work.
    pub fn create(&self) -> Result<Group, Failure> {
        Group::create(&self.place)
    }

    /// The same for a sandbox whose commands may have limits of their own ([`Group::leaf`]).
    pub fn create_with_leaves(&self) -> Result<Group, Failure> {
        self.create()?.for_leaves()?.and_for_init()
    }

    /// Makes a group for the leaves of a sandbox that was launched for none; it is removed should the calling
    /// process be killed.
    pub fn create_for_leaves_of(&self, sandbox: &Sandbox) -> Result<Group, Unavailable> {
        let Place::Unified(place, _) = &self.place else { return Err(Unavailable::WithoutLeaves) };
        if !hierarchy::lies_below(sandbox.init(), &place.path) {
            return Err(Unavailable::Elsewhere { path: place.path.clone() });
        }
        let group = self.create().and_then(Group::for_leaves).map_err(Unavailable::Refused)?;
        group.settle(sandbox.init()).map_err(Unavailable::Refused)?;
        Ok(group)
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        if let Place::Unified(_, Some(moved)) = &self.place {
            moved.undo();
        }
    }
}

impl Place {
    fn version(&self) -> Version {
        match self {
            Self::Unified(..) => Version::V2,
            Self::Legacy(_) => Version::V1,
        }
    }

    fn controllers(&self) -> Vec<Kind> {
        match self {
            Self::Unified(place, _) => place.controllers.clone(),
            Self::Legacy(places) => legacy::kinds(places),
        }
    }
}

/// Makes a group where [`Groups::find`] finds a place without asking, and removes it; nobody is moved.
pub(crate) fn try_one() -> Result<(Version, Vec<Kind>), Unavailable> {
    let place = look(Search::default(), false)?;
    Group::create(&place).and_then(Group::remove).map_err(Unavailable::Refused)?;
    Ok((place.version(), place.controllers()))
}

/// Looks around; nothing is changed. Our own unit may be `known` to be delegated, whatever its mark.
fn look(search: Search, known: bool) -> Result<Place, Unavailable> {
    let groups = hierarchy::own_groups()
        .at(Stage::Limits, || "read(\"/proc/self/cgroup\")".into())
        .map_err(Unavailable::Refused)?;
    let unified = || {
        let own = groups.iter().find(|own| own.is_unified()).ok_or(Unavailable::NotMounted)?;
        let needed = if search.only.is_some() { unified::Needed::Nothing } else { unified::Needed::Some };
        Ok(Place::Unified(unified::find(own, needed, known)?, None))
    };
    let legacy = || Ok(Place::Legacy(legacy::find(&groups)?));
    match search.only {
        Some(Version::V2) => unified(),
        Some(Version::V1) => legacy(),
        None => unified().or_else(|why| legacy().map_err(|other| nearest(why, other))),
    }
}

/// The one of two reasons that says more about this host.
fn nearest(unified: Unavailable, legacy: Unavailable) -> Unavailable {
    let has_legacy = legacy != Unavailable::NotMounted;
    match unified {
        Unavailable::NotMounted | Unavailable::NoControllers { .. } if has_legacy => legacy,
        _ => unified,
    }
}
