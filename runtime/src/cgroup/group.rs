//! The groups of one sandbox: one directory of version 2, or one in each hierarchy of version 1.

use std::cell::OnceCell;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, Mode, mkdirat, unlinkat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::alarm::Alarm;
use super::sweeper::{self, Sweeper};
use super::{Enforcement, Events, Kind, Limits, Place, Sample, Version, leaf, limits, names, unified, usage};
use crate::error::{AtStage as _, Failure, Stage};
use crate::spec::wire;

pub(crate) use super::sweeper::Settling;

/// One sandbox's group. Dropping it ends every process in it and removes it, as the death of the
/// calling process does.
#[derive(Debug)]
pub struct Group {
    version: Version,
    name: String,
    nodes: Vec<Node>,
    enforced: Vec<Enforcement>,
    alarm: OnceCell<Alarm>,
    moved: Option<unified::Moved>,
    sweeper: OnceCell<Sweeper>,
    pub(super) inhabited: Inhabited,
}

/// By whom a group is.
#[derive(Debug)]
pub(super) enum Inhabited {
    /// Init, and every command.
    All,
    /// Nobody: it has leaves, and init may be in the one with this directory.
    Leaves(Option<OwnedFd>),
    /// A command, with what it has begun.
    Command,
}

/// A directory of ours in one hierarchy.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) parent: OwnedFd,
    pub(super) directory: OwnedFd,
    pub(super) path: PathBuf,
    name: String,
    /// None of version 2, where every file is in the one directory or nowhere.
    controllers: Option<Vec<String>>,
}

/// What there is of a node beside its descriptors.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Shape {
    #[serde(with = "wire::path")]
    path: PathBuf,
    name: String,
    controllers: Option<Vec<String>>,
}

/// How long who removes a group waits for its processes to be gone.
const PATIENCE: Duration = Duration::from_secs(1);
/// Somebody may take a new group for a dead one before it has its mark.
const ATTEMPTS: usize = 3;

impl Group {
    pub(super) fn create(place: &Place) -> Result<Self, Failure> {
        let mut attempt = Self::make(place);
        for _ in 1..ATTEMPTS {
            if attempt.as_ref().err().is_none_or(|failure| failure.errno != libc::ENOENT) {
                break;
            }
            attempt = Self::make(place);
        }
        attempt
    }

    fn make(place: &Place) -> Result<Self, Failure> {
        let name = names::new().at(Stage::Limits, || "getrandom()".into())?;
        let nodes = match place {
            Place::Unified(place, _) => vec![Node::make(&place.directory, &place.path, &name, None)?],
            Place::Legacy(places) => Self::make_legacy(places, &name)?,
        };
        let moved = match place {
            Place::Unified(_, Some(moved)) => Some(moved.try_clone()?),
            _ => None,
        };
        Ok(Self {
            version: place.version(),
            name,
            nodes,
            enforced: Vec::new(),
            alarm: OnceCell::new(),
            moved,
            sweeper: OnceCell::new(),
            inhabited: Inhabited::All,
        })
    }

    /// One of version 2 below this one, for a command.
    pub(super) fn make_below(&self, name: &str) -> Result<Self, Failure> {
        let above = self.nodes.first().filter(|_| self.has_leaves());
        let above = above.ok_or(Errno::INVAL).at(Stage::Limits, || format!("a leaf {name:?}"))?;
        Ok(Self {
            version: self.version,
            name: name.to_owned(),
            nodes: vec![Node::make(&above.directory, &above.path, name, None)?],
            enforced: Vec::new(),
            alarm: OnceCell::new(),
            moved: None,
            sweeper: OnceCell::new(),
            inhabited: Inhabited::Command,
        })
    }

    /// The same as a group in which nobody is but in leaves; of version 1 it is as it was.
    pub(super) fn for_leaves(mut self) -> Result<Self, Failure> {
        let Some(node) = self.nodes.first().filter(|_| self.version == Version::V2) else { return Ok(self) };
        leaf::give_controllers(&node.directory)?;
        self.inhabited = Inhabited::Leaves(None);
        Ok(self)
    }

    /// With a leaf in which init is to be.
    pub(super) fn and_for_init(mut self) -> Result<Self, Failure> {
        if let (Inhabited::Leaves(init), Some(node)) = (&mut self.inhabited, self.nodes.first()) {
            *init = Some(leaf::make_for_init(&node.directory)?);
        }
        Ok(self)
    }

    fn make_legacy(places: &[super::legacy::Place], name: &str) -> Result<Vec<Node>, Failure> {
        let mut nodes = Vec::new();
        for place in places {
            match Node::make(&place.directory, &place.path, name, Some(place.controllers.clone())) {
                Ok(node) => nodes.push(node),
                Err(failure) => {
                    nodes.iter().for_each(Node::abandon);
                    return Err(failure);
                }
            }
        }
        Ok(nodes)
    }

    /// Its directory's name, the same in every hierarchy.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its directory of version 2, or those of version 1.
    pub fn directories(&self) -> impl Iterator<Item = &Path> {
        self.nodes.iter().map(|node| node.path.as_path())
    }

    /// Which version it is of.
    pub fn version(&self) -> Version {
        self.version
    }

    /// What became of each limit that was asked for; nothing before [`crate::Sandbox::limit`].
    pub fn enforced(&self) -> &[Enforcement] {
        &self.enforced
    }

    /// What a process can be born into by `clone3(CLONE_INTO_CGROUP)`; none of version 1.
    pub fn birthplace(&self) -> Option<BorrowedFd<'_>> {
        match &self.inhabited {
            Inhabited::Leaves(init) => init.as_ref().map(|init| init.as_fd()),
            _ => Some(self.own_directory()?.as_fd()),
        }
    }

    /// Of version 2.
    pub(super) fn own_directory(&self) -> Option<&OwnedFd> {
        self.nodes.first().filter(|_| self.version == Version::V2).map(|node| &node.directory)
    }

    /// Has a process stand by that removes the group should this one be killed, and in version 1 begins to
    /// move `init` into it: that takes the kernel 10 ms, in which nobody waits yet.
    pub(crate) fn settle(&self, init: u32) -> Result<Settling, Failure> {
        let attached = (self.version == Version::V1).then_some(init);
        let (sweeper, settling) = Sweeper::fork(&self.nodes, self.moved.as_ref(), attached)
            .at(Stage::Limits, || "fork()".into())?;
        self.sweeper.set(sweeper).map_err(|_| Failure {
            stage: Stage::Limits,
            action: format!("a second sandbox in {}", self.name),
            errno: libc::EBUSY,
        })?;
        Ok(settling)
    }

    /// Sets limits, and remembers what became of each.
    pub(crate) fn limit(&mut self, limits: Limits) {
        let processes = limits.processes.map(|count| count.saturating_add(self.inits()));
        self.enforced = limits::set(self.version, &self.nodes, Limits { processes, ..limits });
    }

    /// How many processes in it are no command's.
    fn inits(&self) -> u64 {
        u64::from(!matches!(self.inhabited, Inhabited::Command))
    }

    /// What it uses and has used.
    pub fn sample(&self) -> Sample {
        let sample = usage::sample(self.version, &self.nodes);
        let without_init = |count: u64| count.saturating_sub(self.inits());
        Sample {
            processes: sample.processes.map(without_init),
            processes_peak: sample.processes_peak.map(without_init),
            ..sample
        }
    }

    /// What happened at its limits so far, and not at those of a leaf of its own; rearms the alarm.
    pub fn events(&self) -> Events {
        if let Some(alarm) = self.alarm.get() {
            alarm.rearm();
        }
        match (&self.inhabited, self.own_directory()) {
            (Inhabited::Leaves(Some(init)), Some(directory)) => usage::events_beside_leaves(directory, init),
            _ => usage::events(self.version, &self.nodes),
        }
    }

    /// Readable once something happened at a limit, until [`Group::events`] has been asked. None where
    /// the kernel tells nothing of the kind; of refused forks version 1 may not tell.
    pub fn alarm(&self) -> Option<BorrowedFd<'_>> {
        if self.alarm.get().is_none() {
            // Nobody else fills it in between.
            let init = if let Inhabited::Leaves(init) = &self.inhabited { init.as_ref() } else { None };
            let _ = self.alarm.set(Alarm::open(self.version, &self.nodes, init).ok()??);
        }
        self.alarm.get().map(|alarm| alarm.as_fd())
    }

    /// Ends every process in it.
    pub fn kill(&self) {
        sweeper::kill(self.version, &self.nodes);
    }

    /// Ends every process in it and removes it.
    pub fn remove(mut self) -> Result<(), Failure> {
        self.remove_nodes()
    }

    /// Removes it if no process is in it; true once it is gone.
    pub(super) fn remove_if_empty(&self) -> bool {
        self.nodes.iter().all(|node| node.remove().is_ok())
    }

    fn remove_nodes(&mut self) -> Result<(), Failure> {
        let removed = sweeper::sweep(self.version, &self.nodes, PATIENCE);
        if removed.is_ok() {
            self.nodes.clear();
        }
        removed
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // What cannot be removed in time is left to the sweeper, which is more patient.
        let _ = self.remove_nodes();
    }
}

impl Node {
    fn make(
        parent: &OwnedFd,
        path: &Path,
        name: &str,
        controllers: Option<Vec<String>>,
    ) -> Result<Self, Failure> {
        let path = path.join(name);
        let parent = parent.try_clone().at(Stage::Limits, || "fcntl(F_DUPFD_CLOEXEC)".into())?;
        mkdirat(&parent, name, Mode::from_raw_mode(0o755))
            .at(Stage::Limits, || format!("mkdir({path:?})"))?;
        match hold(&parent, name).at(Stage::Limits, || format!("flock({path:?})")) {
            Ok(directory) => Ok(Self { parent, directory, path, name: name.to_owned(), controllers }),
            Err(failure) => {
                let _ = unlinkat(&parent, name, AtFlags::REMOVEDIR);
                Err(failure)
            }
        }
    }

    pub(super) fn shape(&self) -> Shape {
        let Self { path, name, controllers, .. } = self;
        Shape { path: path.clone(), name: name.clone(), controllers: controllers.clone() }
    }

    /// The same in another process.
    pub(super) fn of(shape: Shape, parent: OwnedFd, directory: OwnedFd) -> Self {
        let Shape { path, name, controllers } = shape;
        Self { parent, directory, path, name, controllers }
    }

    /// Whether what limits `kind` is here.
    pub(super) fn has(&self, kind: Kind) -> bool {
        self.has_controller(kind.controller())
    }

    pub(super) fn has_controller(&self, name: &str) -> bool {
        self.controllers.as_ref().is_none_or(|all| all.iter().any(|held| held == name))
    }

    /// Removes the directory, with its leaves; one that is gone already is as good.
    pub(super) fn remove(&self) -> rustix::io::Result<()> {
        names::remove(&self.parent, &self.name)
    }

    fn abandon(&self) {
        // Just made, and empty.
        let _ = self.remove();
    }
}

/// Opens and marks a new group. One that was taken for a dead group's is as good as gone.
fn hold(parent: &OwnedFd, name: &str) -> rustix::io::Result<OwnedFd> {
    let directory = names::open(parent, name)?;
    let held = names::lock(&directory);
    held.map_err(|errno| if errno == Errno::WOULDBLOCK { Errno::NOENT } else { errno })?;
    Ok(directory)
}
