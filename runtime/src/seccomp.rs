//! The system call filter: four answers, laid out as a tree.
//!
//! The kernel runs a filter once for each call number when it is loaded, and again for each call
//! whose answer depends on arguments. A search tree over the numbers makes both short; the answers
//! that depend on arguments are small programs at its leaves, compiled by `seccompiler`.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};

use crate::numbers::Numbers;
use crate::spec::{Answer, Comparison, Condition, SandboxSpec, SyscallRule, Width};

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
/// `seccompiler` has no answer that asks a listener. This one, which no rule has, stands for it until the end.
const STAND_IN: u32 = libc::SECCOMP_RET_TRACE;

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
    let mut program = Vec::with_capacity(2 * rules.len());
    program.extend([
        load(ARCHITECTURE),
        jump(JUMP_IF_EQUAL, AUDIT_ARCH_X86_64, 1, 0),
        ret(libc::SECCOMP_RET_KILL_PROCESS),
        load(NUMBER),
    ]);
    append_tree(&segments(leaves(rules)?), &mut program);
    answering(&mut program, STAND_IN, libc::SECCOMP_RET_USER_NOTIF);
    Ok(program)
}

/// Whether a filter asks a listener.
pub(crate) fn observes(program: &BpfProgram) -> bool {
    program.iter().any(|step| step.code == RETURN && step.k == libc::SECCOMP_RET_USER_NOTIF)
}

/// The same filter where nobody listens.
pub(crate) fn unobserved(program: &BpfProgram) -> BpfProgram {
    let mut program = program.clone();
    answering(&mut program, libc::SECCOMP_RET_USER_NOTIF, libc::SECCOMP_RET_ALLOW);
    program
}

/// Puts one answer in the place of another.
fn answering(program: &mut BpfProgram, old: u32, new: u32) {
    program.iter_mut().filter(|step| step.code == RETURN && step.k == old).for_each(|step| step.k = new);
}

/// How many instructions the filter of `spec` has, or why it cannot be compiled.
pub fn filter_length(spec: &SandboxSpec) -> Result<usize, String> {
    compile(&spec.syscalls).map(|program| program.len()).map_err(|error| error.to_string())
}

/// What a number leads to.
#[derive(Debug, Clone, PartialEq)]
enum Leaf {
    Answer(Answer),
    /// The answer depends on arguments.
    Program(BpfProgram),
}

/// Numbers from `start` up to the next segment's, which share a leaf.
struct Segment {
    start: u32,
    leaf: Leaf,
}

/// The leaf of each number that has a rule, by number.
fn leaves(rules: &[SyscallRule]) -> Result<Vec<(u32, Leaf)>, FilterError> {
    let mut numbers = Numbers::default();
    let mut leaves = rules
        .iter()
        .map(|rule| {
            let number = numbers.of(rule.name).ok_or(FilterError::UnknownCall(rule.name))?;
            Ok((number, leaf(rule, number)?))
        })
        .collect::<Result<Vec<_>, FilterError>>()?;
    leaves.sort_unstable_by_key(|(number, _)| *number);
    Ok(leaves)
}

fn leaf(rule: &SyscallRule, number: u32) -> Result<Leaf, FilterError> {
    if rule.when.is_empty() || rule.answer == rule.otherwise {
        return Ok(Leaf::Answer(rule.answer));
    }
    let linear = conditional(rule, number).map_err(|error| FilterError::Conditions(rule.name, error))?;
    Ok(Leaf::Program(linear[PRELUDE..].to_vec()))
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
        Answer::Observe => SeccompAction::Trace(STAND_IN & 0xFFFF),
        Answer::Eperm => SeccompAction::Errno(libc::EPERM as u32),
        Answer::Enosys => SeccompAction::Errno(libc::ENOSYS as u32),
    }
}

/// Covers all numbers: neighbours with the same answer are one segment, gaps answer `ENOSYS`.
fn segments(leaves: Vec<(u32, Leaf)>) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::with_capacity(leaves.len());
    let mut push = |start, leaf| {
        if segments.last().is_none_or(|last| last.leaf != leaf) {
            segments.push(Segment { start, leaf });
        }
    };
    let mut next = 0;
    for (number, leaf) in leaves {
        if number > next {
            push(next, Leaf::Answer(Answer::Enosys));
        }
        push(number, leaf);
        next = number + 1;
    }
    push(next, Leaf::Answer(Answer::Enosys));
    segments
}

/// Appends a balanced tree of comparisons. A jump reaches 255 instructions; where the left half is
/// longer, an unconditional one, which reaches any distance, goes between.
fn append_tree(segments: &[Segment], program: &mut BpfProgram) {
    match segments {
        [] => {}
        [Segment { leaf: Leaf::Answer(answer), .. }] => program.push(ret(u32::from(action(*answer)))),
        [Segment { leaf: Leaf::Program(leaf), .. }] => program.extend_from_slice(leaf),
        _ => {
            let (left, right) = segments.split_at(segments.len() / 2);
            let (here, start) = (program.len(), right[0].start);
            program.push(ret(0));
            append_tree(left, program);
            let distance = program.len() - here - 1;
            match u8::try_from(distance) {
                Ok(near) => program[here] = jump(JUMP_IF_AT_LEAST, start, near, 0),
                Err(_) => {
                    program[here] = jump(JUMP_IF_AT_LEAST, start, 0, 1);
                    program.insert(here + 1, jump(JUMP, distance as u32, 0, 0));
                }
            }
            append_tree(right, program);
        }
    }
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
