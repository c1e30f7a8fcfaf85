//! What a command may do where no namespace holds it: Landlock and the filter are all there is.

use std::path::Path;

use clearing_profiles::{NetworkMode, Profile};
use clearing_rootfs::{BaseEntry, all_but};
use clearing_runtime::spec::{Answer, Comparison, Condition, PathRule, Rights, SyscallRule, Width};

use crate::copying::{Bare, Elsewhere};
use crate::host::Host;
use crate::workspace::Workspace;

/// Device nodes that every program may expect.
const DEVICES: [&str; 6] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];
/// What tells of the machine and of no process.
const MACHINE: [&str; 10] = [
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/loadavg",
    "/proc/uptime",
    "/proc/version",
    "/proc/filesystems",
    "/proc/sys/kernel/ngroups_max",
    "/proc/sys/kernel/cap_last_cap",
    "/proc/sys/vm/overcommit_memory",
];
/// Files of the host that stand for those which a private root would have of its own. All of them are
/// everybody's to read; without them a program does not know who it is.
const ETC: [&str; 11] = [
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/ld.so.conf",
    "/etc/protocols",
    "/etc/services",
    "/etc/debian_version",
    "/etc/lsb-release",
    "/etc/timezone",
];
/// Needed for names of hosts alone.
const RESOLVER: &str = "/etc/resolv.conf";

/// Objects without a path that all processes of a user share.
const SHARED_OBJECTS: [&str; 13] = [
    "mq_getsetattr",
    "mq_open",
    "mq_unlink",
    "msgctl",
    "msgget",
    "msgrcv",
    "msgsnd",
    "semctl",
    "semget",
    "semop",
    "shmat",
    "shmctl",
    "shmget",
];
/// Their first argument names a task. Without a PID namespace that is any process of the user's, init as well.
const SCHEDULING: [&str; 4] = ["sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler"];
/// Who that is to the task itself.
const CALLER: u64 = 0;
/// What sockets are good for beside pairs of them.
const SOCKETS: [&str; 4] = ["bind", "connect", "listen", "socket"];

const AF_UNIX: u64 = 1;
const SOCK_STREAM: u64 = 1;
const SOCK_SEQPACKET: u64 = 5;
const SOCK_TYPE_MASK: u64 = 0xF;
const RENAME_WHITEOUT: u64 = 4;

/// The host's paths that the command may use.
pub(super) fn paths(profile: &Profile, workspace: &Workspace, host: &Host, at: &Elsewhere) -> Vec<PathRule> {
    let rule = |path: &Path, rights| PathRule { path: path.to_owned(), rights };
    let read = |path: &Path| rule(path, Rights::ReadExecute);
    let mut rules: Vec<PathRule> = MACHINE.iter().chain(&ETC).map(|path| read(Path::new(path))).collect();
    rules.extend(DEVICES.iter().map(|path| rule(Path::new(path), Rights::ReadWrite)));
    if profile.network.mode == NetworkMode::Host {
        rules.push(read(Path::new(RESOLVER)));
    }
    rules.extend(workspace.base.entries.iter().filter_map(|entry| match entry {
        BaseEntry::ReadOnly { path } if path != Path::new("/usr") => Some(read(path)),
        _ => None,
    }));
    // What is hidden of the project is there for whoever reads the project itself.
    let own = [workspace.project.root.clone()];
    let shown = profile.filesystem.read.iter().flat_map(|path| all_but(&path.resolve(&host.home), &own));
    rules.extend(shown.map(|path| read(&path)));
    rules.push(rule(&at.root, Rights::All));
    if let Some(Bare { home, temporary, readable }) = &at.bare {
        rules.extend(readable.iter().map(|path| read(path)));
        rules.extend([rule(home, Rights::All), rule(temporary, Rights::All)]);
    }
    rules
}

/// The profile's table, without what reaches others by another way than a path. Landlock does not mediate
/// sockets that have one (before ABI 9), so there are none but pairs; a pair of datagram sockets could be
/// connected elsewhere.
pub(super) fn syscalls(mut rules: Vec<SyscallRule>, network: NetworkMode) -> Vec<SyscallRule> {
    for rule in &mut rules {
        match rule.name {
            name if SHARED_OBJECTS.contains(&name) => always(rule, Answer::Enosys),
            "socketpair" => {
                let pair = |kind| vec![equal(0, u64::MAX, AF_UNIX), equal(1, SOCK_TYPE_MASK, kind)];
                rule.when = vec![pair(SOCK_STREAM), pair(SOCK_SEQPACKET)];
            }
            name if SCHEDULING.contains(&name) && rule.answer == Answer::Allow => {
                rule.when = vec![vec![equal(0, u64::MAX, CALLER)]];
                rule.otherwise = Answer::Eperm;
            }
            // It would leave a device node, if only one that stands for nothing.
            "renameat2" => {
                rule.when = vec![vec![equal(4, RENAME_WHITEOUT, 0)]];
                rule.otherwise = Answer::Eperm;
            }
            name if SOCKETS.contains(&name) && network == NetworkMode::None => always(rule, Answer::Eperm),
            "socket" => {
                let is_local =
                    |all: &Vec<Condition>| all.iter().any(|one| (one.argument, one.value) == (0, AF_UNIX));
                rule.when.retain(|all| !is_local(all));
            }
            _ => {}
        }
    }
    rules
}

fn always(rule: &mut SyscallRule, answer: Answer) {
    (rule.answer, rule.otherwise) = (answer, answer);
    rule.when.clear();
}

fn equal(argument: u8, mask: u64, value: u64) -> Condition {
    let comparison = if mask == u64::MAX { Comparison::Equal } else { Comparison::MaskedEqual(mask) };
    Condition { argument, width: Width::Dword, comparison, value }
}
