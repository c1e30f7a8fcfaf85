//! What this host offers, found out by doing it.
//!
//! Each probe makes what a sandbox makes, with the same code, in a process of its own that takes it
//! along when it ends. A missing feature is told as the [`Failure`] that a run would end with.

mod calls;
mod cgroup;
mod mounts;
mod namespaces;
mod trial;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::channel::Channel;
use crate::error::Failure;
use crate::launcher::{self, Errand};
use crate::spec::{Identity, wire};

/// For whom and where to probe.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The ids that a sandbox of the caller has.
    pub identity: Identity,
    /// An empty directory of the caller's own in the state directory. What the probes put there is
    /// left to whoever made it.
    pub scratch: &'a Path,
    /// Whether runs keep their layers in memory; else below the state directory.
    pub layers_in_memory: bool,
    /// Directories whose file systems must have id-mapped mounts, for shifted ids.
    pub directories: &'a [PathBuf],
}

/// One feature of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// Which.
    pub feature: Feature,
    /// Whether it is there.
    pub finding: Finding,
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finding {
    /// It works, and how far.
    Present {
        /// In a few words.
        detail: String,
    },
    /// It does not: where, on what, and the kernel's answer.
    Missing(Failure),
}

/// Something that sandboxes are made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Feature {
    /// A user namespace with its ids.
    UserNamespace,
    /// All seven namespaces by one call.
    Namespaces,
    /// A fresh procfs in a new PID namespace.
    Procfs,
    /// An overlay in a user namespace, its layer in the state directory.
    Overlay,
    /// Id-mapped mounts.
    IdMappedMounts,
    /// A Landlock domain.
    Landlock,
    /// A system call filter.
    Seccomp,
    /// A session keyring.
    Keyring,
    /// `close_range(2)`.
    CloseRange,
    /// `openat2(2)`.
    Openat2,
    /// A whole sandbox, with a command confined up to its `execve(2)`.
    Sandbox,
    /// Groups of our own in the cgroup hierarchy.
    Cgroup,
}

/// Probes every feature that matters to such a caller. The calling process must have one thread, or a launcher
/// ([`crate::launcher`]); should that have ended, nothing is there.
///
/// Nothing stays on the host but files in the request's scratch directory.
pub fn all(request: &Request<'_>) -> Vec<Probe> {
    let Some(launcher) = launcher::running() else { return make_all(request) };
    launcher.try_out(&Errand::Try(Trial::all(request))).unwrap_or_else(|failure| {
        let concerned = PROBES.iter().filter(|(feature, _)| feature.concerns(request.identity));
        let missing = |(feature, _): &(Feature, Try)| Probe {
            feature: *feature,
            finding: Finding::Missing(failure.clone()),
        };
        concerned.map(missing).collect()
    })
}

fn make_all(request: &Request<'_>) -> Vec<Probe> {
    let concerned = PROBES.iter().filter(|(feature, _)| feature.concerns(request.identity));
    concerned
        .map(|(feature, probe)| {
            let finding = probe(request).map_or_else(Finding::Missing, |detail| Finding::Present { detail });
            Probe { feature: *feature, finding }
        })
        .collect()
}

/// Whether a whole sandbox can be had, its layers in memory. The calling process must have one thread, or a
/// launcher.
pub fn sandbox_works(identity: Identity) -> bool {
    let Some(launcher) = launcher::running() else { return make_one(identity) };
    launcher.try_out(&Errand::Try(Trial::Sandbox(identity))).unwrap_or(false)
}

fn make_one(identity: Identity) -> bool {
    let request = Request { identity, scratch: Path::new("/"), layers_in_memory: false, directories: &[] };
    namespaces::sandbox(&request).is_ok()
}

/// What is probed by a process that the launcher forks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Trial {
    /// As a [`Request`] says.
    All {
        identity: Identity,
        #[serde(with = "wire::path")]
        scratch: PathBuf,
        layers_in_memory: bool,
        #[serde(with = "wire::paths")]
        directories: Vec<PathBuf>,
    },
    /// A whole sandbox.
    Sandbox(Identity),
}

impl Trial {
    fn all(request: &Request<'_>) -> Self {
        let Request { identity, scratch, layers_in_memory, directories } = *request;
        Self::All { identity, scratch: scratch.into(), layers_in_memory, directories: directories.into() }
    }

    /// Makes it and tells what was found. The calling process has one thread.
    pub(crate) fn make(&self, answer: &Channel) {
        // Who asked may be gone.
        let _ = match self {
            Self::All { identity, scratch, layers_in_memory, directories } => {
                let (identity, layers_in_memory) = (*identity, *layers_in_memory);
                let found = make_all(&Request { identity, scratch, layers_in_memory, directories });
                answer.send(&Ok::<_, Failure>(found), &[])
            }
            Self::Sandbox(identity) => answer.send(&Ok::<_, Failure>(make_one(*identity)), &[]),
        };
    }
}

/// A short description of what works.
type Answer = Result<String, Failure>;

/// Finds out about one feature.
type Try = fn(&Request<'_>) -> Answer;

/// From the parts to the whole, so that the first failure is the one to mend.
const PROBES: [(Feature, Try); 12] = [
    (Feature::UserNamespace, namespaces::user_namespace),
    (Feature::Namespaces, namespaces::all_seven),
    (Feature::Procfs, mounts::procfs),
    (Feature::Overlay, mounts::overlay),
    (Feature::IdMappedMounts, mounts::id_mapped),
    (Feature::Landlock, calls::landlock),
    (Feature::Seccomp, calls::seccomp),
    (Feature::Keyring, calls::keyring),
    (Feature::CloseRange, calls::close_range),
    (Feature::Openat2, calls::openat2),
    (Feature::Sandbox, namespaces::sandbox),
    (Feature::Cgroup, cgroup::delegation),
];

impl Feature {
    /// Whether a caller of that kind needs it at all.
    fn concerns(self, identity: Identity) -> bool {
        self != Self::IdMappedMounts || matches!(identity, Identity::Shifted { .. })
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::UserNamespace => "user namespace",
            Self::Namespaces => "seven namespaces",
            Self::Procfs => "fresh procfs",
            Self::Overlay => "overlay",
            Self::IdMappedMounts => "id-mapped mounts",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
            Self::Keyring => "session keyring",
            Self::CloseRange => "close_range",
            Self::Openat2 => "openat2",
            Self::Sandbox => "whole sandbox",
            Self::Cgroup => "own cgroups",
        })
    }
}
