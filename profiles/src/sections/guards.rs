//! `[guards]`: which isolation mechanisms must hold, and which may be missing.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use toml::de::DeTable;

use super::greater;
use crate::diagnostic::Fault;
use crate::section::{Licence, Section};
use crate::stated::{Stated, one_of_words};
use crate::value;

/// One isolation mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guard {
    /// The user namespace.
    User,
    /// The mount namespace.
    Mount,
    /// The PID namespace.
    Pid,
    /// The network namespace.
    Network,
    /// The IPC namespace.
    Ipc,
    /// The UTS namespace.
    Uts,
    /// The cgroup namespace.
    Cgroup,
    /// The id map.
    Idmap,
    /// The private read-only root.
    Rootfs,
    /// The masked `/proc`.
    Procfs,
    /// The session keyring of the sandbox's own.
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

/// Requirements as profiles have them.
pub(super) const REQUIREMENTS: [(&str, Requirement); 2] =
    [("required", Requirement::Required), ("best-effort", Requirement::BestEffort)];

/// Whether a guard may be missing, ordered by how much that permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// Without it nothing runs.
    Required,
    /// Where the host does not offer it, the outcome says so.
    BestEffort,
}

/// How far the host isolates at the least, ordered by how much that permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Tier {
    /// By all namespaces.
    Namespaces,
    /// Where those cannot be had: by Landlock and the filter, over a copy of the project.
    Landlock,
}

/// Tiers as profiles have them.
const TIERS: [(&str, Tier); 2] = [("namespaces", Tier::Namespaces), ("landlock", Tier::Landlock)];

/// What is required of each guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guards {
    /// The least that is accepted; the best that can be had is taken.
    pub tier: Tier,
    pub(crate) requirements: [Requirement; GUARDS.len()],
}

impl Guard {
    /// Every guard, in the order of the enum.
    pub fn all() -> impl Iterator<Item = Self> {
        GUARDS.iter().map(|(guard, _)| *guard)
    }

    /// The guard's key in a profile and name in an outcome.
    pub fn name(self) -> &'static str {
        GUARDS[self as usize].1
    }
}

impl Guards {
    /// What is required of one guard.
    pub fn requirement(&self, guard: Guard) -> Requirement {
        self.requirements[guard as usize]
    }

    /// The guards that may be missing.
    pub fn best_effort(&self) -> impl Iterator<Item = Guard> + '_ {
        Guard::all().filter(|guard| self.requirement(*guard) == Requirement::BestEffort)
    }

    pub(crate) fn read(
        file: &mut DeTable<'_>,
        parent: Option<&Self>,
        licence: Licence<'_>,
    ) -> Result<Self, Fault> {
        let known: Vec<&str> = GUARDS.iter().map(|(_, name)| *name).chain(["tier"]).collect();
        let mut keys = Section::open(file, "guards", &known, licence)?;
        let tier = keys.take("tier", parent.map(|p| &p.tier), value::word(&TIERS), greater)?;
        let mut requirements = [Requirement::Required; GUARDS.len()];
        for (guard, name) in GUARDS {
            let inherited = parent.map(|p| p.requirement(guard));
            requirements[guard as usize] =
                keys.take(name, inherited.as_ref(), value::word(&REQUIREMENTS), greater)?;
        }
        keys.close()?;
        Ok(Self { tier, requirements })
    }

    pub(crate) fn state(&self) -> Stated {
        let tier = [("tier", one_of_words(&TIERS, &self.tier))].into_iter();
        let guard = |(guard, name)| (name, one_of_words(&REQUIREMENTS, &self.requirement(guard)));
        tier.chain(GUARDS.into_iter().map(guard)).collect()
    }
}

impl Serialize for Guards {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(GUARDS.len() + 1))?;
        map.serialize_entry("tier", &self.tier)?;
        for guard in Guard::all() {
            map.serialize_entry(guard.name(), &self.requirement(guard))?;
        }
        map.end()
    }
}

/// Each guard at its own index, with its name.
const GUARDS: [(Guard, &str); 18] = [
    (Guard::User, "user"),
    (Guard::Mount, "mount"),
    (Guard::Pid, "pid"),
    (Guard::Network, "network"),
    (Guard::Ipc, "ipc"),
    (Guard::Uts, "uts"),
    (Guard::Cgroup, "cgroup"),
    (Guard::Idmap, "idmap"),
    (Guard::Rootfs, "rootfs"),
    (Guard::Procfs, "procfs"),
    (Guard::Keyring, "keyring"),
    (Guard::Capabilities, "capabilities"),
    (Guard::NoNewPrivs, "no_new_privs"),
    (Guard::Landlock, "landlock"),
    (Guard::Seccomp, "seccomp"),
    (Guard::Descriptors, "descriptors"),
    (Guard::Environment, "environment"),
    (Guard::Rlimits, "rlimits"),
];

#[cfg(test)]
mod tests {
    use super::{GUARDS, Guard};

    #[test]
    fn each_guard_stands_at_its_own_index() {
        for (index, (guard, name)) in GUARDS.iter().enumerate() {
            assert_eq!(*guard as usize, index);
            assert_eq!(guard.name(), *name);
        }
        assert_eq!(Guard::all().count(), Guard::Rlimits as usize + 1);
    }
}
