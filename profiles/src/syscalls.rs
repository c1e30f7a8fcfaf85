//! The table of system calls: which are allowed, which refused, and why.
//!
//! It is data, `syscalls/*.toml`, checked and compiled when the crate is built. A call which the
//! table does not name gets [`Answer::Enosys`], so that new calls are refused from birth
//! (CVE-2021-41133) and libraries fall back to older ones.

use std::borrow::Cow;

use serde::Serialize;

use crate::profile::Profile;
use crate::sections::Syscalls;

/// What becomes of one system call.
///
/// With an empty `when` the answer is `answer`. Otherwise it is `answer` if any of the lists in
/// `when` has all its conditions true, else `otherwise`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SyscallRule {
    /// The kernel's name of the call.
    pub name: &'static str,
    /// The answer, if nothing in `when` speaks against it.
    pub answer: Answer,
    /// Alternatives, each a list of conditions that must all hold.
    pub when: &'static [&'static [Condition]],
    /// The answer if there are alternatives and none holds.
    pub otherwise: Answer,
    /// Why; empty for calls that every program makes.
    pub reason: &'static str,
}

/// What the kernel answers to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// The call is made.
    Allow,
    /// `EPERM`: known and refused.
    Eperm,
    /// `ENOSYS`: as if the kernel did not have it, so that callers fall back.
    Enosys,
}

/// A test of one argument of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which argument, from 0.
    pub argument: u8,
    /// How much of it the kernel reads.
    pub width: Width,
    /// How it is compared.
    pub comparison: Comparison,
    /// What it is compared with.
    pub value: u64,
}

/// How many bits of an argument count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Width {
    /// The lower 32.
    Dword,
    /// All 64.
    Qword,
}

/// How an argument is compared, unsigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Comparison {
    /// `argument == value`
    Equal,
    /// `argument != value`
    NotEqual,
    /// `argument < value`
    Less,
    /// `argument <= value`
    LessOrEqual,
    /// `argument > value`
    Greater,
    /// `argument >= value`
    GreaterOrEqual,
    /// `argument & mask == value`
    MaskedEqual(u64),
}

/// The built-in table, sorted by name, one rule for each call of the x86_64 table of Linux 6.18.
pub fn syscalls() -> &'static [SyscallRule] {
    generated::TABLE
}

/// The rule of one call.
pub fn syscall(name: &str) -> Option<&'static SyscallRule> {
    let found = syscalls().binary_search_by_key(&name, |rule| rule.name);
    found.ok().map(|index| &syscalls()[index])
}

/// Why no profile can allow the call, if that is so.
pub fn never(name: &str) -> Option<&'static str> {
    let found = generated::NEVER.binary_search_by_key(&name, |(never, _)| never);
    found.ok().map(|index| generated::NEVER[index].1)
}

impl Profile {
    /// The built-in table of system calls with the profile's own additions, sorted by name.
    ///
    /// Borrowed, and so free, for a profile that adds nothing.
    pub fn syscall_rules(&self) -> Cow<'static, [SyscallRule]> {
        self.syscalls.rules()
    }
}

impl Syscalls {
    /// The built-in table with this section applied; borrowed where there is nothing to apply.
    fn rules(&self) -> Cow<'static, [SyscallRule]> {
        if self.allow.is_empty() && self.refuse.is_empty() {
            return Cow::Borrowed(syscalls());
        }
        Cow::Owned(syscalls().iter().map(|rule| self.applied_to(rule)).collect())
    }

    fn applied_to(&self, rule: &SyscallRule) -> SyscallRule {
        if self.refuse.contains(rule.name) && !rule.is_refused() {
            rule.answered(Answer::Eperm, "refused by the profile")
        } else if self.allow.contains(rule.name) {
            rule.answered(Answer::Allow, "allowed by the profile")
        } else {
            *rule
        }
    }
}

impl SyscallRule {
    /// Whether the call is allowed whatever its arguments.
    pub fn is_allowed(&self) -> bool {
        self.answer == Answer::Allow && self.when.is_empty()
    }

    /// Whether the call is refused whatever its arguments.
    pub fn is_refused(&self) -> bool {
        self.answer != Answer::Allow && self.when.is_empty()
    }

    /// The rule with one answer for every argument.
    fn answered(&self, answer: Answer, reason: &'static str) -> Self {
        Self { name: self.name, answer, when: &[], otherwise: answer, reason }
    }
}

mod generated {
    use super::{Answer, Comparison, Condition, SyscallRule, Width};

    include!(concat!(env!("OUT_DIR"), "/syscalls.rs"));
}
