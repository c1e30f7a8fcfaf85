//! The guards, and what became of each.

use serde::{Deserialize, Serialize};

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

    /// A guard that does not hold, and why.
    pub fn missing(guard: Guard, why: impl Into<String>) -> Self {
        Self { guard, enforced: false, detail: why.into() }
    }
}
