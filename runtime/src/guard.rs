//! The guards, and what became of each.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::Failure;

/// One isolation mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// User namespace.
    User,
    /// Mount namespace.
    Mount,
    /// PID namespace.
    Pid,
    /// Network namespace.
    Network,
    /// IPC namespace.
    Ipc,
    /// UTS namespace.
    Uts,
    /// Cgroup namespace.
    Cgroup,
    /// The id map.
    Idmap,
    /// The private root.
    Rootfs,
    /// The masked procfs.
    Procfs,
    /// The session keyring.
    Keyring,
    /// Empty capability sets and locked securebits.
    Capabilities,
    /// `no_new_privs`.
    NoNewPrivs,
    /// The Landlock domain.
    Landlock,
    /// The system call filter.
    Seccomp,
    /// Closed descriptors.
    Descriptors,
    /// The environment by allow-list.
    Environment,
    /// Resource limits.
    Rlimits,
}

/// What became of one guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GuardReport {
    /// Which.
    pub guard: Guard,
    /// Whether it holds.
    pub enforced: bool,
    /// How it is enforced, or why it is not.
    pub detail: String,
}

impl GuardReport {
    /// A guard that holds.
    pub fn enforced(guard: Guard, detail: impl Into<String>) -> Self {
        Self { guard, enforced: true, detail: detail.into() }
    }

    /// What became of a guard: one that cannot be had is fatal, unless it is among the `optional`.
    pub(crate) fn of(
        guard: Guard,
        how: &str,
        result: Result<(), Failure>,
        optional: &BTreeSet<Guard>,
    ) -> Result<Self, Failure> {
        match result {
            Ok(()) => Ok(Self::enforced(guard, how)),
            Err(failure) if optional.contains(&guard) => Ok(Self::missing(guard, failure.to_string())),
            Err(failure) => Err(failure),
        }
    }

    /// A guard that does not hold, and why.
    pub fn missing(guard: Guard, why: impl Into<String>) -> Self {
        Self { guard, enforced: false, detail: why.into() }
    }
}
