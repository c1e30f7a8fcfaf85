//! What the command may do: paths for Landlock, system calls for seccomp.

use std::path::Path;

use clearing_profiles::{Answer, Comparison, Condition, Profile, SyscallRule, Width};
use clearing_rootfs::BaseEntry;
use clearing_runtime::spec::{self, PathRule, Rights};

use crate::host::Host;
use crate::workspace::Workspace;

/// Rules for all that is in view; the mounts say the same in another way.
pub(super) fn paths(profile: &Profile, workspace: &Workspace, host: &Host) -> Vec<PathRule> {
    let rule = |path: &Path, rights| PathRule { path: path.to_owned(), rights };
    let mut rules = vec![
        rule(Path::new("/"), Rights::List),
        rule(Path::new("/etc"), Rights::ReadExecute),
        rule(Path::new("/proc"), Rights::ReadWrite),
        rule(Path::new("/dev"), Rights::ReadWrite),
        rule(Path::new("/dev/shm"), Rights::All),
        rule(Path::new("/tmp"), Rights::All),
        rule(&host.home, Rights::All),
    ];
    rules.extend(workspace.base.entries.iter().filter_map(|entry| match entry {
        BaseEntry::ReadOnly { path } if !path.starts_with("/etc") => Some(rule(path, Rights::ReadExecute)),
        _ => None,
    }));
    let read = profile.filesystem.read.iter().map(|path| path.resolve(&host.home));
    rules.extend(read.map(|path| rule(&path, Rights::ReadExecute)));
    rules.extend(workspace.tools.roots.iter().map(|tool| rule(&tool.path, Rights::ReadExecute)));
    rules.extend(workspace.writable().map(|(path, _)| rule(path, Rights::All)));
    rules
}

/// The profile's table in the runtime's words.
pub(super) fn syscalls(profile: &Profile) -> Vec<spec::SyscallRule> {
    profile.syscall_rules().iter().map(syscall).collect()
}

fn syscall(rule: &SyscallRule) -> spec::SyscallRule {
    spec::SyscallRule {
        name: rule.name,
        answer: answer(rule.answer),
        when: rule.when.iter().map(|all| all.iter().map(condition).collect()).collect(),
        otherwise: answer(rule.otherwise),
    }
}

fn answer(answer: Answer) -> spec::Answer {
    match answer {
        Answer::Allow => spec::Answer::Allow,
        Answer::Eperm => spec::Answer::Eperm,
        Answer::Enosys => spec::Answer::Enosys,
    }
}

fn condition(condition: &Condition) -> spec::Condition {
    spec::Condition {
        argument: condition.argument,
        width: match condition.width {
            Width::Dword => spec::Width::Dword,
            Width::Qword => spec::Width::Qword,
        },
        comparison: comparison(condition.comparison),
        value: condition.value,
    }
}

fn comparison(comparison: Comparison) -> spec::Comparison {
    match comparison {
        Comparison::Equal => spec::Comparison::Equal,
        Comparison::NotEqual => spec::Comparison::NotEqual,
        Comparison::Less => spec::Comparison::Less,
        Comparison::LessOrEqual => spec::Comparison::LessOrEqual,
        Comparison::Greater => spec::Comparison::Greater,
        Comparison::GreaterOrEqual => spec::Comparison::GreaterOrEqual,
        Comparison::MaskedEqual(mask) => spec::Comparison::MaskedEqual(mask),
    }
}
