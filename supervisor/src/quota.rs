//! The kernel's own bound on what a command writes to disk, where root can have one.
//!
//! The watchdog looks all the same: it adds what is in memory, leaves out what was there before the command,
//! and so knows the cause.

use clearing_profiles::Limits;
use clearing_runtime::quota::{Bounds, NoQuota, ProjectQuota};

use crate::error::chain;
use crate::host::Host;
use crate::limits::EnforcedBy;
use crate::place::Place;

/// What holds the limits of what is written.
pub(crate) enum Quota {
    /// It is written to a file system in memory, which is no larger.
    InMemory,
    /// The kernel does.
    Held { _until_dropped: ProjectQuota },
    /// The watchdog alone, and why.
    Watched(String),
}

/// What may be there before the command is: the directories that overlays need.
const BYTES_OF_OURS: u64 = 1 << 20;
const INODES_OF_OURS: u64 = 256;

impl Quota {
    /// Bounds what is going to be written at `place`, in which nothing is yet but what earlier commands wrote.
    pub(crate) fn of(host: &Host, limits: &Limits, place: &Place) -> Self {
        let directory = match place {
            Place::Memory => return Self::InMemory,
            Place::Run(run) => run.lock(),
            Place::Session(session) => session.live_descriptor(),
            Place::Copy(_) => return Self::of_copy(),
        };
        if !host.is_privileged() {
            return Self::Watched(NoQuota::NotPermitted.to_string());
        }
        let bounds = Bounds {
            bytes: limits.disk.map(|bytes| bytes.saturating_add(BYTES_OF_OURS)),
            inodes: limits.inodes.map(|inodes| inodes.saturating_add(INODES_OF_OURS)),
        };
        if bounds == (Bounds { bytes: None, inodes: None }) {
            return Self::Watched("there is no limit to be held".to_owned());
        }
        match ProjectQuota::hold(directory, bounds) {
            Ok(quota) => Self::Held { _until_dropped: quota },
            Err(none) => Self::Watched(chain(&none)),
        }
    }

    /// What a command writes in a copy lies beside what was copied.
    pub(crate) fn of_copy() -> Self {
        Self::Watched("a copy of the project is under no project quota".to_owned())
    }

    /// The layers of a session whose sandbox lives on change.
    pub(crate) fn of_living() -> Self {
        Self::Watched("the layers of a sandbox that lives on are under no project quota".to_owned())
    }

    /// What holds the limits, and why nothing stronger does, or what that leaves open.
    pub(crate) fn means(&self) -> (EnforcedBy, Option<String>) {
        match self {
            Self::InMemory => (EnforcedBy::Filesystem, None),
            Self::Held { .. } => (EnforcedBy::Quota, Some(REST.to_owned())),
            Self::Watched(why) => (EnforcedBy::Watchdog, Some(why.clone())),
        }
    }
}

const REST: &str = "what lies in memory, in `/tmp` and `/dev/shm`, is added by the watchdog";
