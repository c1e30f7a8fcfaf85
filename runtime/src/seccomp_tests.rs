//! The tree and `seccompiler`'s own linear programs give every call the same answer.

use proptest::prelude::*;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, sock_filter};

use super::{AUDIT_ARCH_X86_64, STAND_IN, action, compile, conditional, observes, unobserved};
use crate::numbers::Numbers;
use crate::spec::{Answer, Comparison, Condition, SyscallRule, Width};

fn syscall_number(name: &str) -> Option<u32> {
    Numbers::default().of(name)
}

/// What a filter is asked: `struct seccomp_data` without the instruction pointer.
#[derive(Debug, Clone, Copy)]
struct Call {
    number: u32,
    architecture: u32,
    arguments: [u64; 6],
}

impl Call {
    fn word(&self, offset: u32) -> u32 {
        match offset {
            0 => self.number,
            4 => self.architecture,
            _ => {
                let (index, high) = ((offset - 16) / 8, (offset - 16) % 8 == 4);
                let argument = self.arguments[index as usize];
                if high { (argument >> 32) as u32 } else { argument as u32 }
            }
        }
    }
}

/// Interprets the part of classic BPF that seccomp allows.
fn run(program: &[sock_filter], call: Call) -> u32 {
    let (mut accumulator, mut at) = (0u32, 0usize);
    loop {
        let step = &program[at];
        at += 1;
        let k = step.k;
        let taken = match u32::from(step.code) {
            0x20 => {
                accumulator = call.word(k);
                continue;
            }
            0x54 => {
                accumulator &= k;
                continue;
            }
            0x06 => return k,
            0x05 => {
                at += k as usize;
                continue;
            }
            0x15 => accumulator == k,
            0x25 => accumulator > k,
            0x35 => accumulator >= k,
            0x45 => accumulator & k != 0,
            other => panic!("instruction {other:#x}"),
        };
        at += usize::from(if taken { step.jt } else { step.jf });
    }
}

/// What a listener is asked, `seccompiler` cannot say.
fn linear(rules: &[SyscallRule], call: Call) -> u32 {
    match defined(rules, call) {
        STAND_IN => libc::SECCOMP_RET_USER_NOTIF,
        answer => answer,
    }
}

/// The answer by definition, and by the linear programs.
fn defined(rules: &[SyscallRule], call: Call) -> u32 {
    let enosys = u32::from(action(Answer::Enosys));
    if call.architecture != AUDIT_ARCH_X86_64 {
        return libc::SECCOMP_RET_KILL_PROCESS;
    }
    let Some(rule) = rules.iter().find(|rule| syscall_number(rule.name) == Some(call.number)) else {
        return enosys;
    };
    if rule.when.is_empty() || rule.answer == rule.otherwise {
        return u32::from(action(rule.answer));
    }
    run(&conditional(rule, call.number).expect("compiles"), call)
}

const NAMES: [&str; 12] = [
    "read", "write", "open", "close", "ioctl", "socket", "clone", "clone3", "prctl", "mknod", "mount",
    "listns",
];

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![Just(Answer::Allow), Just(Answer::Observe), Just(Answer::Eperm), Just(Answer::Enosys)]
}

fn a_condition() -> impl Strategy<Value = Condition> {
    let comparison = prop_oneof![
        Just(Comparison::Equal),
        Just(Comparison::NotEqual),
        Just(Comparison::Less),
        Just(Comparison::LessOrEqual),
        Just(Comparison::Greater),
        Just(Comparison::GreaterOrEqual),
        any::<u64>().prop_map(Comparison::MaskedEqual),
    ];
    (0..6u8, any::<bool>(), comparison, value()).prop_map(|(argument, wide, comparison, value)| Condition {
        argument,
        width: if wide { Width::Qword } else { Width::Dword },
        comparison,
        value: if wide { value } else { value & u64::from(u32::MAX) },
    })
}

fn value() -> impl Strategy<Value = u64> {
    prop_oneof![0..4u64, any::<u64>(), (0..4u64).prop_map(|low| low | 1 << 32)]
}

fn rules() -> impl Strategy<Value = Vec<SyscallRule>> {
    let conditions = prop::collection::vec(prop::collection::vec(a_condition(), 1..4), 0..4);
    prop::collection::btree_map(0..NAMES.len(), (answer(), conditions, answer()), 0..NAMES.len()).prop_map(
        |rules| {
            rules
                .into_iter()
                .map(|(name, (answer, when, otherwise))| SyscallRule {
                    name: NAMES[name],
                    answer,
                    when,
                    otherwise,
                })
                .collect()
        },
    )
}

fn call() -> impl Strategy<Value = Call> {
    let number = prop_oneof![
        (0..NAMES.len()).prop_map(|name| syscall_number(NAMES[name]).expect("known")),
        0..500u32,
        (0..500u32).prop_map(|number| number | 1 << 30),
        any::<u32>(),
    ];
    let architecture = prop_oneof![9 => Just(AUDIT_ARCH_X86_64), 1 => any::<u32>()];
    let arguments = prop::array::uniform6(value());
    (number, architecture, arguments).prop_map(|(number, architecture, arguments)| Call {
        number,
        architecture,
        arguments,
    })
}

proptest! {
    #[test]
    fn the_tree_answers_as_the_linear_programs_do(rules in rules(), calls in prop::collection::vec(call(), 64)) {
        let program = compile(&rules).expect("compiles");
        for call in calls {
            prop_assert_eq!(run(&program, call), linear(&rules, call), "{:?}", call);
        }
    }

    #[test]
    fn where_nobody_listens_what_would_be_looked_at_is_allowed_and_all_else_stays(
        rules in rules(),
        calls in prop::collection::vec(call(), 64),
    ) {
        let program = unobserved(&compile(&rules).expect("compiles"));
        prop_assert!(!observes(&program));
        for call in calls {
            let answer = match linear(&rules, call) {
                libc::SECCOMP_RET_USER_NOTIF => libc::SECCOMP_RET_ALLOW,
                answer => answer,
            };
            prop_assert_eq!(run(&program, call), answer, "{:?}", call);
        }
    }
}

#[test]
fn every_instruction_of_a_large_filter_is_reached_by_a_short_jump() {
    let condition =
        |value| Condition { argument: 0, width: Width::Qword, comparison: Comparison::Equal, value };
    let rules: Vec<SyscallRule> = NAMES
        .iter()
        .map(|name| SyscallRule {
            name,
            answer: Answer::Allow,
            when: (0..20).map(|value| vec![condition(value)]).collect(),
            otherwise: Answer::Eperm,
        })
        .collect();
    let program = compile(&rules).expect("compiles");
    assert!(program.len() > 512, "long enough to need far jumps");
    for name in NAMES {
        let number = syscall_number(name).expect("known");
        for argument in [0, 19, 20] {
            let call = Call { number, architecture: AUDIT_ARCH_X86_64, arguments: [argument; 6] };
            assert_eq!(run(&program, call), linear(&rules, call), "{name}({argument})");
        }
    }
}

#[test]
fn an_unknown_name_is_an_error() {
    let rule =
        SyscallRule { name: "frobnicate", answer: Answer::Allow, when: vec![], otherwise: Answer::Eperm };
    assert_eq!(compile(&[rule]).expect_err("unknown").to_string(), "unknown system call `frobnicate`");
}

#[test]
fn the_linear_program_starts_with_the_prelude_that_a_leaf_leaves_out() {
    let filter = SeccompFilter::new(
        [(1, vec![])].into(),
        SeccompAction::Allow,
        SeccompAction::Trap,
        TargetArch::x86_64,
    );
    let program: BpfProgram = filter.expect("valid").try_into().expect("compiles");
    assert_eq!(program[2].k, libc::SECCOMP_RET_KILL_PROCESS);
    assert_eq!(u32::from(program[super::PRELUDE].code), 0x20, "the number is loaded next");
}
