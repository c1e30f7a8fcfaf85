//! P-P1: no process of the host is visible, nor its command line or environment.

use std::os::unix::process::CommandExt as _;

use clearing_tests::decoys::Process;
use clearing_tests::{Site, for_each_caller, skip};

use crate::attack::{armed, assert_keeps, attempt, control, inside, outside};

#[test]
fn command_lines_of_the_host_are_not_seen() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let process = Process::start(&site);
        assert_keeps(&site, process.argument_secret(), "cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
    });
}

#[test]
fn environments_of_the_host_are_not_seen() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let process = Process::start(&site);
        assert_keeps(&site, process.environment_secret(), "cat /proc/[0-9]*/environ | tr '\\0' ' '");
    });
}

#[test]
fn a_process_of_the_host_has_no_directory() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let process = Process::start(&site);
        let listing = format!("tr '\\0' ' ' < /proc/{}/cmdline", process.pid());
        assert_keeps(&site, process.argument_secret(), &listing);
    });
}

#[test]
fn nobody_but_the_run_s_own_processes_is_listed() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let _process = Process::start(&site);
        let count = "ls -d /proc/[0-9]* | wc -l";
        let output = attempt(&site, count);
        let seen: usize = output.stdout.lines().next().and_then(|n| n.parse().ok()).expect("a number");
        // The shell, `ls`, `wc`, and init at most.
        assert!(seen <= 4, "{output}");
        let bare: usize =
            control(&site, count).lines().next().and_then(|n| n.parse().ok()).expect("a number");
        assert!(bare > 4, "control: {bare}");
    });
}

#[test]
fn no_number_answers_to_a_process_of_the_host() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let process = Process::start(&site);
        let pid = process.pid().to_string();
        for call in [["raw", "getpgid"], ["raw", "getsid"], ["raw", "sched_getaffinity"]] {
            let line = [&call[..], &[&pid, "8", "buf:8"]].concat();
            assert_eq!(inside(&site, &line), "-1 ESRCH", "{call:?}");
            assert_ne!(outside(&site, &line), "-1 ESRCH", "control: {call:?}");
        }
    });
}

#[test]
fn the_supervisor_is_not_the_parent_that_is_seen() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, "grep PPid /proc/self/status; echo $PPID");
        let parent = output.stdout.lines().nth(1).and_then(|line| line.parse::<u32>().ok());
        assert!(parent.is_some_and(|pid| pid <= 1), "{output}");
    });
}

#[test]
fn init_is_not_seen_by_whom_the_group_of_root_lets_see_all() {
    if !nix::unistd::geteuid().is_root() {
        return skip("only root can be given that group");
    }
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let ids = [caller.uid(), caller.gid()].map(|id| id.to_string());
        let mut command = site.host("setpriv");
        let again = ["--reuid", &ids[0], "--regid", &ids[1], "--groups", "0"];
        // To have it again takes who may change it.
        command.uid(0).gid(0).args(again).arg(site.binary());
        command.args(["run", "--", "sh", "-c", "cd /proc; echo [0-9]*; cat 1/cmdline"]);
        let output = command.env("CLEARING_STATE_DIR", site.state()).output().expect("setpriv");
        let seen = String::from_utf8_lossy(&output.stdout);
        assert!(seen.starts_with(|first: char| ('2'..='9').contains(&first)), "{output:?}");
        assert!(!seen.contains("clearing"), "{output:?}");
    });
}

#[test]
fn sockets_of_the_host_are_not_listed() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let socket = clearing_tests::decoys::AbstractSocket::listen();
        assert_keeps(&site, socket.name(), "cat /proc/net/unix");
    });
}

#[test]
fn open_files_of_the_host_are_not_listed_by_lock() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        // The kernel hides other namespaces' locks, but not those of an open file description.
        let locked = std::fs::File::create(site.project().join("locked")).expect("file");
        // F_WRLCK from SEEK_SET on.
        let whole = nix::libc::flock { l_type: 1, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 };
        nix::fcntl::fcntl(&locked, nix::fcntl::FcntlArg::F_OFD_SETLK(&whole)).expect("locked");
        let output = attempt(&site, "cat /proc/locks 2>/dev/null");
        assert_eq!(output.stdout.lines().count(), 1, "{output}");
        assert!(control(&site, "cat /proc/locks").contains("OFDLCK"), "control");
    });
}
