//! The table of system calls, held to the kernel's list and to the promises.

use std::collections::BTreeSet;

use clearing_profiles::Answer::{Allow, Enosys, Eperm};
use clearing_profiles::{Answer, Comparison, Condition, SyscallRule, Width, never, syscall, syscalls};

/// The 64-bit and common calls of `arch/x86/entry/syscalls/syscall_64.tbl`, Linux 6.18.
const X86_64: &str = include_str!("x86_64.txt");

/// What the table answers to a call, computed the plain way.
fn answer(name: &str, arguments: &[u64]) -> Answer {
    let Some(rule) = syscall(name) else { return Enosys };
    let holds = |condition: &Condition| holds(condition, arguments);
    match rule.when.is_empty() || rule.when.iter().any(|all| all.iter().all(holds)) {
        true => rule.answer,
        false => rule.otherwise,
    }
}

fn holds(condition: &Condition, arguments: &[u64]) -> bool {
    let argument = arguments.get(usize::from(condition.argument)).copied().unwrap_or(0);
    let argument = match condition.width {
        Width::Dword => argument & u64::from(u32::MAX),
        Width::Qword => argument,
    };
    match condition.comparison {
        Comparison::Equal => argument == condition.value,
        Comparison::NotEqual => argument != condition.value,
        Comparison::Less => argument < condition.value,
        Comparison::LessOrEqual => argument <= condition.value,
        Comparison::Greater => argument > condition.value,
        Comparison::GreaterOrEqual => argument >= condition.value,
        Comparison::MaskedEqual(mask) => argument & mask == condition.value,
    }
}

fn assert_answers(expected: Answer, names: &str) {
    for name in names.split_whitespace() {
        assert_eq!(answer(name, &[]), expected, "{name}");
        assert!(syscall(name).is_none_or(|rule| rule.when.is_empty()), "{name} has conditions");
    }
}

const HIGH_BITS: u64 = 0xdead_beef << 32;

#[test]
fn every_call_of_the_kernel_has_exactly_one_rule() {
    let names: Vec<&str> = syscalls().iter().map(|rule| rule.name).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "sorted, and none twice");
    let of_kernel: BTreeSet<&str> = X86_64.lines().collect();
    assert_eq!(of_kernel.len(), 383);
    assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), of_kernel);
}

#[test]
fn no_call_of_this_machines_headers_is_missing() {
    let header = ["/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok());
    let Some(header) = header else {
        return println!("skipped: the kernel's headers are not installed");
    };
    for line in header.lines() {
        let name = line.strip_prefix("#define __NR_").and_then(|rest| rest.split_whitespace().next());
        assert!(name.is_none_or(|name| syscall(name).is_some()), "{line}");
    }
}

#[test]
fn every_refusal_and_every_condition_says_why() {
    for rule in syscalls().iter().filter(|rule| !rule.is_allowed()) {
        assert!(!rule.reason.is_empty(), "{}", rule.name);
    }
}

#[test]
fn every_condition_can_hold_on_a_real_argument() {
    let conditions = syscalls().iter().flat_map(|rule| rule.when.iter().copied().flatten());
    for condition in conditions {
        assert!(condition.argument < 6);
        assert!(condition.width == Width::Qword || condition.value <= u64::from(u32::MAX));
        if let Comparison::MaskedEqual(mask) = condition.comparison {
            assert_eq!(condition.value & !mask, 0);
        }
    }
}

#[test]
fn rules_with_conditions_fall_back_to_another_answer() {
    for rule in syscalls().iter().filter(|rule| !rule.when.is_empty()) {
        assert_ne!(rule.answer, rule.otherwise, "{}", rule.name);
        assert!(rule.when.iter().all(|all| !all.is_empty()), "{}: an empty list always holds", rule.name);
    }
}

#[test]
fn programs_can_do_their_work() {
    assert_answers(
        Allow,
        "read write openat openat2 close close_range mmap mprotect munmap brk execve execveat fork vfork wait4
         waitid exit_group futex futex_waitv rseq set_robust_list rt_sigaction rt_sigreturn kill tgkill tkill
         pidfd_open pidfd_send_signal epoll_wait epoll_pwait2 poll select pipe2 dup3 fcntl flock getdents64
         statx newfstatat faccessat2 fchmodat2 renameat2 linkat symlinkat utimensat copy_file_range
         inotify_init1 eventfd2 timerfd_create signalfd4 memfd_create getrandom sched_yield sched_getaffinity
         uname sysinfo arch_prctl setsid setpgid accept4 bind connect listen sendmsg recvmsg setsockopt
         shmget mq_open io_setup ptrace process_vm_readv seccomp landlock_restrict_self setuid name_to_handle_at",
    );
}

#[test]
fn a_call_unknown_to_the_table_is_not_implemented() {
    assert_answers(Enosys, "listns rseq_slice_yield clone4 no_such_call");
}

#[test]
fn io_uring_is_not_implemented() {
    assert_answers(Enosys, "io_uring_setup io_uring_enter io_uring_register");
}

#[test]
fn mounts_are_refused_by_the_old_way_and_by_the_new() {
    assert_answers(
        Eperm,
        "mount umount2 pivot_root chroot open_tree open_tree_attr move_mount fsopen fsconfig fsmount fspick
         mount_setattr statmount listmount open_by_handle_at quotactl quotactl_fd",
    );
}

#[test]
fn the_machine_is_out_of_reach() {
    assert_answers(
        Eperm,
        "bpf perf_event_open userfaultfd keyctl add_key request_key acct swapon swapoff reboot kexec_load
         kexec_file_load init_module finit_module delete_module create_module query_module settimeofday
         clock_settime clock_adjtime adjtimex sethostname setdomainname iopl ioperm syslog vhangup
         lookup_dcookie uselib nfsservctl uprobe uretprobe lsm_get_self_attr lsm_set_self_attr
         lsm_list_modules remap_file_pages modify_ldt ustat sysfs personality memfd_secret",
    );
}

#[test]
fn other_processes_are_out_of_reach() {
    assert_answers(
        Eperm,
        "kcmp pidfd_getfd process_madvise process_mrelease move_pages migrate_pages mbind set_mempolicy
         set_mempolicy_home_node fanotify_init fanotify_mark setns setgroups",
    );
}

#[test]
fn no_namespace_can_be_made() {
    let namespaces =
        [0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];
    for flag in namespaces {
        for odd in [0, 17, 0x100, HIGH_BITS] {
            assert_eq!(answer("clone", &[flag | odd]), Eperm, "{flag:#x}");
            assert_eq!(answer("unshare", &[flag | odd]), Eperm, "{flag:#x}");
        }
    }
    assert_eq!(answer("unshare", &[0x80]), Eperm, "the time namespace");
    assert_eq!(answer("clone3", &[0, 88]), Enosys);
}

#[test]
fn forks_and_threads_can_be_made() {
    let (fork, thread, vfork) = (0x0120_0011, 0x003d_0f00, 0x4111);
    for flags in [fork, thread, vfork, 17] {
        assert_eq!(answer("clone", &[flags]), Allow, "{flags:#x}");
    }
    assert_eq!(answer("unshare", &[0x200 | 0x400]), Allow);
}

#[test]
fn device_nodes_cannot_be_made_and_fifos_can() {
    for (kind, expected) in [
        (0, Allow),
        (0o100_000, Allow),
        (0o010_000, Allow),
        (0o140_000, Allow),
        (0o020_000, Eperm),
        (0o060_000, Eperm),
        (0o040_000, Eperm),
        (0o120_000, Eperm),
        (0o170_000, Eperm),
    ] {
        for high in [0, HIGH_BITS, 0o200_000] {
            let mode = kind | 0o644 | high;
            assert_eq!(answer("mknod", &[0, mode]), expected, "{mode:#o}");
            assert_eq!(answer("mknodat", &[0, 0, mode]), expected, "{mode:#o}");
        }
    }
}

#[test]
fn sockets_are_local_tcp_udp_or_routes_and_nothing_else() {
    const CLOEXEC_NONBLOCK: u64 = 0o2_004_000;
    let allowed = |family: u64, kind: u64, protocol: u64| {
        let local = family == 1;
        let internet = matches!((family, kind, protocol), (2 | 10, 1, 0 | 6) | (2 | 10, 2, 0 | 17));
        local || internet || (family == 16 && protocol == 0)
    };
    for family in 0..64 {
        for kind in 0..16 {
            for protocol in (0..32).chain([132, 136, 255, 256, 262, u64::from(u32::MAX)]) {
                let expected = if allowed(family, kind, protocol) { Allow } else { Eperm };
                let plain = [family, kind, protocol];
                assert_eq!(answer("socket", &plain), expected, "{plain:?}");
                let odd = plain.map(|argument| argument | HIGH_BITS);
                assert_eq!(answer("socket", &odd), expected, "{odd:x?}");
                assert_eq!(answer("socket", &[family, kind | CLOEXEC_NONBLOCK, protocol]), expected);
            }
        }
        let expected = if family == 1 { Allow } else { Eperm };
        assert_eq!(answer("socketpair", &[family, 1, 0]), expected);
    }
}

#[test]
fn terminals_cannot_be_typed_into_whatever_the_high_bits() {
    for request in [0x5412, 0x541c, 0x541d, 0x5423] {
        for high in [0, 1 << 32, HIGH_BITS] {
            assert_eq!(answer("ioctl", &[0, request | high]), Eperm, "{request:#x}");
        }
    }
    for request in [0x5401, 0x5402, 0x540e, 0x5413, 0x5414, 0x541b, 0x5421, 0x8004_5430, 0x4004_9409] {
        assert_eq!(answer("ioctl", &[0, request]), Allow, "{request:#x}");
    }
}

#[test]
fn process_options_are_the_known_ones() {
    for option in [1, 4, 15, 22, 23, 36, 38, 47, 53, 59, 78, 0x5356_4d41, 0x5961_6d61, 0x4155_5856] {
        assert_eq!(answer("prctl", &[option]), Allow, "{option}");
        assert_eq!(answer("prctl", &[option | HIGH_BITS]), Allow, "{option}");
    }
    for option in [35, 62, 67, 79, 1000, 0x5356_4d42, u64::from(u32::MAX)] {
        assert_eq!(answer("prctl", &[option]), Eperm, "{option}");
        assert_eq!(answer("prctl", &[option | HIGH_BITS]), Eperm, "{option}");
    }
}

#[test]
fn init_cannot_be_limited_or_slowed_down() {
    for pid in [1, 1 | HIGH_BITS] {
        for name in
            ["prlimit64", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler"]
        {
            assert_eq!(answer(name, &[pid]), Eperm, "{name}");
            assert_eq!(answer(name, &[0]), Allow, "{name}");
        }
    }
    for (which, who, expected) in [(0, 0, Allow), (0, 1, Eperm), (0, 7, Eperm), (1, 0, Eperm), (2, 0, Eperm)]
    {
        assert_eq!(answer("setpriority", &[which, who, 10]), expected, "{which} {who}");
        assert_eq!(answer("ioprio_set", &[which + 1, who, 0]), expected, "{which} {who}");
    }
    assert_eq!(answer("sched_setaffinity", &[42]), Allow, "a thread by its id");
    assert_eq!(answer("prlimit64", &[42]), Eperm, "any process by its id");
}

/// `RLIMIT_RTTIME`, which only a process that could be a real-time one would miss.
#[test]
fn what_commands_are_told_apart_by_can_be_read_and_not_changed() {
    for number in [15, 15 | HIGH_BITS] {
        assert_eq!(answer("prlimit64", &[0, number, 0x1000, 0]), Eperm);
        assert_eq!(answer("prlimit64", &[0, number, 0, 0x1000]), Allow);
        assert_eq!(answer("setrlimit", &[number, 0x1000]), Eperm);
    }
    assert_eq!(answer("prlimit64", &[0, 7, 0x1000, 0]), Allow);
    assert_eq!(answer("setrlimit", &[7, 0x1000]), Allow);
}

#[test]
fn what_profiles_can_never_allow_is_closed_in_the_table() {
    let closed: Vec<&SyscallRule> = syscalls().iter().filter(|rule| never(rule.name).is_some()).collect();
    assert!(closed.iter().all(|rule| !rule.is_allowed()));
    let conditional: Vec<_> =
        syscalls().iter().filter(|rule| !rule.when.is_empty() && never(rule.name).is_none()).collect();
    assert_eq!(conditional, Vec::<&SyscallRule>::new(), "each condition is a border");
    for name in
        ["mount", "setns", "clone3", "unshare", "bpf", "io_uring_setup", "keyctl", "open_by_handle_at"]
    {
        assert!(never(name).is_some(), "{name}");
    }
    assert_eq!(never("read"), None);
    assert_eq!(never("no_such_call"), None);
}
