//! Which system calls a command may make.

use serde::Serialize;

/// The answer to one system call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyscallRule {
    /// The kernel's name of the call.
    pub name: &'static str,
    /// The answer, when there are no conditions or all of one list hold.
    pub answer: Answer,
    /// Alternatives, each a list of conditions that must all hold.
    pub when: Vec<Vec<Condition>>,
    /// The answer when there are conditions and no list holds.
    pub otherwise: Answer,
}

impl SyscallRule {
    /// Lets a call be made, whatever its arguments.
    pub fn allowed(name: &'static str) -> Self {
        Self { name, answer: Answer::Allow, when: Vec::new(), otherwise: Answer::Allow }
    }
}

/// What a system call gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// It is made.
    Allow,
    /// It is made, once whoever launched the sandbox has looked at it ([`crate::Executions`]). That goes for the
    /// program of a sandbox's last command; for all others it is [`Answer::Allow`].
    Observe,
    /// "Operation not permitted": the call is known and refused.
    Eperm,
    /// "Function not implemented": libraries fall back to an older call.
    Enosys,
}

/// A test of one argument of a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which, from 0.
    pub argument: u8,
    /// How much of it the kernel looks at.
    pub width: Width,
    /// The test.
    pub comparison: Comparison,
    /// What to compare with.
    pub value: u64,
}

/// How many bits of an argument count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Width {
    /// The lower 32.
    Dword,
    /// All 64.
    Qword,
}

/// How an argument is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Comparison {
    /// Equal.
    Equal,
    /// Not equal.
    NotEqual,
    /// Less, unsigned.
    Less,
    /// Less or equal, unsigned.
    LessOrEqual,
    /// Greater, unsigned.
    Greater,
    /// Greater or equal, unsigned.
    GreaterOrEqual,
    /// Equal under a mask.
    MaskedEqual(u64),
}
