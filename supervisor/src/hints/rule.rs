//! The form of a rule: which failures, under which conditions, lead to which text.

use clearing_runtime::{Failure, Stage};

use super::container::Container;
use super::facts::Facts;
use super::program::{Sighting, sight};
use super::source::Source;

/// One line of the tables. The first that fits is told, so the narrower ones stand above.
pub(super) struct Rule {
    /// Any of these.
    pub(super) stages: &'static [Stage],
    /// What the failed call contains; everything contains nothing.
    pub(super) call: &'static str,
    /// Any of these; none stands for all.
    pub(super) errnos: &'static [i32],
    /// All of these.
    pub(super) when: &'static [When],
    /// With blanks in braces, see `blanks.rs`.
    pub(super) text: &'static str,
}

/// A condition on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// A key below `/proc/sys` has this value.
    Sysctl(&'static str, &'static str),
    /// The limit on some kind of namespace is 0.
    NoNamespacesOfAKind,
    /// The kernel is older.
    KernelBefore(u32, u32),
    /// The caller is user 0.
    Root,
    /// The caller is any other user.
    Ordinary,
    /// Inside this kind of container.
    In(Container),
    /// Inside any.
    Contained,
    /// In a user namespace to which not all ids were given.
    LacksIds,
    /// A system call filter is on this very process.
    Filtered,
    /// `os-release` names this distribution, or one that it is like.
    Distribution(&'static str),
    /// The state directory lies on one of these file systems.
    StateOn(&'static [&'static str]),
    /// This security module is among the active ones.
    SecurityModule(&'static str),
    /// It is known which security modules are active.
    SomeSecurityModules,
    /// The program was seen on the host like this.
    Program(Sighting),
    /// What was to be mounted was seen like this.
    Source(Source),
}

impl Rule {
    /// Whether it speaks of this failure on such a host.
    pub(super) fn fits(&self, failure: &Failure, facts: &Facts) -> bool {
        self.stages.contains(&failure.stage)
            && failure.action.contains(self.call)
            && (self.errnos.is_empty() || self.errnos.contains(&failure.errno))
            && self.when.iter().all(|when| when.holds(failure, facts))
    }
}

impl When {
    fn holds(self, failure: &Failure, facts: &Facts) -> bool {
        match self {
            Self::Sysctl(key, value) => facts.sysctls.get(key).is_some_and(|found| found == value),
            Self::NoNamespacesOfAKind => facts.zero_limit().is_some(),
            Self::KernelBefore(major, minor) => facts.kernel.is_some_and(|version| version < (major, minor)),
            Self::Root => facts.is_root(),
            Self::Ordinary => !facts.is_root(),
            Self::In(container) => facts.container == Some(container),
            Self::Contained => facts.container.is_some(),
            Self::LacksIds => facts.lacks_ids,
            Self::Filtered => facts.is_filtered,
            Self::Distribution(id) => facts.distribution.is_like(id),
            Self::StateOn(kinds) => kinds.iter().any(|kind| facts.state_file_system.starts_with(kind)),
            Self::SecurityModule(name) => facts.security_modules.split(',').any(|module| module == name),
            Self::SomeSecurityModules => !facts.security_modules.is_empty(),
            Self::Program(sighting) => sight(failure, facts).0 == sighting,
            Self::Source(source) => source.holds(failure, facts),
        }
    }
}
