//! The system call filter: three answers, laid out as a tree.
//!
//! The kernel runs a filter once for each call number when it is loaded, and again for each call
//! whose answer depends on arguments. A search tree over the numbers makes both short; the answers
//! that depend on arguments are small programs at its leaves, compiled by `seccompiler`.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};

use crate::numbers::syscall_number;
use crate::spec::{Answer, Comparison, Condition, SyscallRule, Width};

/// `AUDIT_ARCH_X86_64`, `linux/audit.h`.
const AUDIT_ARCH_X86_64: u32 = 0xC000_003E;
/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
/// What `seccompiler` puts before its first rule: a check of the architecture.
const PRELUDE: usize = 3;

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const JUMP: u16 = (libc::BPF_JMP | libc::BPF_JA) as u16;
const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const JUMP_IF_AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// Why a filter could not be compiled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilterError {
    /// A rule names a call that this architecture does not have.
    #[error("unknown system call `{0}`")]
    UnknownCall(&'static str),
    /// A condition cannot be compiled.
    #[error("conditions of `{0}`")]
    Conditions(&'static str, #[source] seccompiler::BackendError),
}

/// Compiles the answers of `rules`; a call without a rule, and every number above the highest, gets
/// `ENOSYS`. That holds for the x32 numbers too, which start at 2^30. A call by another architecture's
/// convention ends the process.
pub(crate) fn compile(rules: &[SyscallRule]) -> Result<BpfProgram, FilterError> {
    let mut program = vec![
        load(ARCHITECTURE),
        jump(JUMP_IF_EQUAL, AUDIT_ARCH_X86_64, 1, 0),
        ret(libc::SECCOMP_RET_KILL_PROCESS),
        load(NUMBER),
    ];
    program.extend(tree(&segments(&leaves(rules)?)));
    Ok(program)
}

/// Numbers from `start` up to the next segment's, which share a leaf.
struct Segment {
    start: u32,
    leaf: BpfProgram,
}

/// The program that answers each number that has a rule.
fn leaves(rules: &[SyscallRule]) -> Result<BTreeMap<u32, BpfProgram>, FilterError> {
    rules
        .iter()
        .map(|rule| {
            let number = syscall_number(rule.name).ok_or(FilterError::UnknownCall(rule.name))?;
            Ok((number, leaf(rule, number)?))
        })
        .collect()
}

fn leaf(rule: &SyscallRule, number: u32) -> Result<BpfProgram, FilterError> {
    if rule.when.is_empty() || rule.answer == rule.otherwise {
        return Ok(vec![ret(u32::from(action(rule.answer)))]);
    }
    let linear = conditional(rule, number).map_err(|error| FilterError::Conditions(rule.name, error))?;
    Ok(linear[PRELUDE..].to_vec())
}

/// The whole program of one call's conditions, as `seccompiler` lays it out.
fn conditional(rule: &SyscallRule, number: u32) -> Result<BpfProgram, seccompiler::BackendError> {
    let alternatives = rule
        .when
        .iter()
        .map(|all| SeccompRule::new(all.iter().map(condition).collect::<Result<_, _>>()?))
        .collect::<Result<_, _>>()?;
    SeccompFilter::new(
        [(i64::from(number), alternatives)].into(),
        action(rule.otherwise),
        action(rule.answer),
        TargetArch::x86_64,
    )?
    .try_into()
}

fn condition(condition: &Condition) -> Result<SeccompCondition, seccompiler::BackendError> {
    let width = match condition.width {
        Width::Dword => SeccompCmpArgLen::Dword,
        Width::Qword => SeccompCmpArgLen::Qword,
    };
    let comparison = match condition.comparison {
        Comparison::Equal => SeccompCmpOp::Eq,
        Comparison::NotEqual => SeccompCmpOp::Ne,
        Comparison::Less => SeccompCmpOp::Lt,
        Comparison::LessOrEqual => SeccompCmpOp::Le,
        Comparison::Greater => SeccompCmpOp::Gt,
        Comparison::GreaterOrEqual => SeccompCmpOp::Ge,
        Comparison::MaskedEqual(mask) => SeccompCmpOp::MaskedEq(mask),
    };
    SeccompCondition::new(condition.argument, width, comparison, condition.value)
}

fn action(answer: Answer) -> SeccompAction {
    match answer {
        Answer::Allow => SeccompAction::Allow,
        Answer::Eperm => SeccompAction::Errno(libc::EPERM as u32),
        Answer::Enosys => SeccompAction::Errno(libc::ENOSYS as u32),
    }
}

/// Covers all numbers: neighbours with the same answer are one segment, gaps answer `ENOSYS`.
fn segments(leaves: &BTreeMap<u32, BpfProgram>) -> Vec<Segment> {
    let unknown = vec![ret(u32::from(action(Answer::Enosys)))];
    let end = leaves.last_key_value().map_or(0, |(number, _)| number + 1);
    let mut segments: Vec<Segment> = Vec::new();
    for start in 0..=end {
        let leaf = leaves.get(&start).unwrap_or(&unknown);
        if segments.last().is_none_or(|last| last.leaf != *leaf) {
            segments.push(Segment { start, leaf: leaf.clone() });
        }
    }
    segments
}

/// A balanced tree of comparisons. A jump reaches 255 instructions; where the left half is longer,
/// an unconditional one, which reaches any distance, goes between.
fn tree(segments: &[Segment]) -> BpfProgram {
    let [left @ .., _] = segments else {
        return Vec::new();
    };
    if left.is_empty() {
        return segments[0].leaf.clone();
    }
    let middle = segments.len() / 2;
    let (left, right) = (tree(&segments[..middle]), tree(&segments[middle..]));
    let start = segments[middle].start;
    let mut program = match u8::try_from(left.len()) {
        Ok(near) => vec![jump(JUMP_IF_AT_LEAST, start, near, 0)],
        Err(_) => vec![jump(JUMP_IF_AT_LEAST, start, 0, 1), jump(JUMP, left.len() as u32, 0, 0)],
    };
    program.extend(left);
    program.extend(right);
    program
}

fn load(offset: u32) -> sock_filter {
    jump(LOAD, offset, 0, 0)
}

fn ret(action: u32) -> sock_filter {
    jump(RETURN, action, 0, 0)
}

fn jump(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

#[cfg(test)]
#[path = "seccomp_tests.rs"]
mod tests;
