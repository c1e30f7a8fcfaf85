//! P-P2: no host process can be signalled, traced, read, re-limited, re-prioritised, or have an fd
//! taken. Its number answers to nobody inside.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::Instant;

use clearing_tests::decoys::{Process, SecretFile};
use clearing_tests::{DEADLINE, Site, for_each_caller, patience};

use crate::attack::{armed, assert_keeps, attempt, control, inside, outside};

#[test]
fn a_host_process_cannot_be_signalled() {
    finds_nobody("raw kill {pid} 0");
}

#[test]
fn a_host_thread_cannot_be_signalled() {
    finds_nobody("raw tgkill {pid} {pid} 0");
}

#[test]
fn a_host_thread_cannot_be_signalled_by_its_number_alone() {
    finds_nobody("raw tkill {pid} 0");
}

#[test]
fn no_signal_with_a_value_can_be_queued_for_a_host_process() {
    finds_nobody(
        "raw rt_sigqueueinfo {pid} 0 hex:0000000000000000ffffffff0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    );
}

#[test]
fn no_descriptor_of_a_host_process_can_be_opened() {
    finds_nobody("raw pidfd_open {pid} 0");
}

#[test]
fn a_host_process_cannot_be_attached_to() {
    finds_nobody("trace attach {pid}");
}

#[test]
fn a_host_process_cannot_be_seized() {
    finds_nobody("trace seize {pid}");
}

#[test]
fn the_affinity_of_a_host_process_cannot_be_set() {
    finds_nobody("raw sched_setaffinity {pid} 8 u64:1");
}

#[test]
fn the_scheduling_of_a_host_process_cannot_be_set() {
    finds_nobody("raw sched_setscheduler {pid} 3 u64:0");
}

#[test]
fn the_limits_of_a_host_process_cannot_be_set() {
    is_refused("raw prlimit64 {pid} 4 null buf:16");
}

#[test]
fn the_priority_of_a_host_process_cannot_be_set() {
    is_refused("raw setpriority 0 {pid} 5");
}

#[test]
fn the_disk_priority_of_a_host_process_cannot_be_set() {
    // IOPRIO_WHO_PROCESS, best effort, lowest
    is_refused("raw ioprio_set 1 {pid} 0x4007");
}

#[test]
fn the_priority_of_all_of_the_user_s_processes_cannot_be_set() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let process = Process::start(&site);
        let pid = process.pid().to_string();
        let before = outside(&site, &["raw", "getpriority", "0", &pid]);
        assert_eq!(inside(&site, &["raw", "setpriority", "2", "0", "19"]), "-1 EPERM");
        assert_eq!(outside(&site, &["raw", "getpriority", "0", &pid]), before);
        outside(&site, &["raw", "setpriority", "0", &pid, "7"]);
        assert_ne!(outside(&site, &["raw", "getpriority", "0", &pid]), before, "control");
    });
}

#[test]
fn a_signal_to_everybody_reaches_nobody_outside() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut process = Process::start(&site);
        // Outside, a signal to everybody must never be sent, not even by a sandbox that is none.
        let bare = fs::read_link("/proc/self/ns/pid").expect("a PID namespace");
        let script =
            format!("test $(readlink /proc/self/ns/pid) != '{}' && echo sent && kill -9 -1", bare.display());
        site.run(["sh", "-c", &script]).output().expect_stdout("sent");
        assert!(process.is_alive());
        control(&site, &format!("kill -9 {}", process.pid()));
        let until = Instant::now() + patience(DEADLINE);
        while process.is_alive() {
            assert!(Instant::now() < until, "control");
        }
    });
}

#[test]
fn a_signal_to_the_process_group_reaches_nobody_outside() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut process = Process::start(&site);
        // The supervisor's group is told by nobody inside, but 0 might mean it.
        let output = site.run(["sh", "-c", "kill -9 0"]).output();
        assert_eq!(output.signal, None, "{output}");
        assert!(process.is_alive());
    });
}

#[test]
fn the_memory_of_a_host_process_cannot_be_read() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let holder = Holder::start(&site);
        let line = ["memory", "read", &holder.pid, &holder.address];
        assert_eq!(inside(&site, &line), "-1 ESRCH");
        assert_eq!(outside(&site, &line), "held", "control");
    });
}

#[test]
fn the_memory_of_a_host_process_cannot_be_written() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let holder = Holder::start(&site);
        let line = ["memory", "write", &holder.pid, &holder.address];
        assert_eq!(inside(&site, &line), "-1 ESRCH");
        assert_eq!(outside(&site, &line), "64 ok", "control");
    });
}

#[test]
fn the_memory_of_a_host_process_cannot_be_opened_as_a_file() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let holder = Holder::start(&site);
        let script = format!("grep -c held /proc/{}/cmdline && echo found", holder.pid);
        assert_keeps(&site, "found", &script);
    });
}

#[test]
fn no_descriptor_can_be_taken_from_a_host_process() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let holder = Holder::start(&site);
        let line = ["steal-descriptor", &holder.pid, &holder.descriptor];
        assert_eq!(inside(&site, &line), "-1 ESRCH");
        assert_eq!(outside(&site, &line), holder.token.secret(), "control");
    });
}

#[test]
fn taking_descriptors_is_refused_altogether() {
    crate::attack::Call::raw("pidfd_getfd -1 0 0").expect_refusal("EPERM");
}

#[test]
fn robust_lists_of_a_host_process_are_not_told() {
    finds_nobody("raw get_robust_list {pid} buf:8 buf:8");
}

#[test]
fn no_process_of_the_host_can_be_waited_for_or_grouped() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let process = Process::start(&site);
        let output = attempt(&site, &format!("kill -0 {0} || kill -0 -{0} || echo nobody", process.pid()));
        output.expect_stdout("nobody");
        assert!(!control(&site, &format!("kill -0 {} || echo nobody", process.pid())).contains("nobody"));
    });
}

/// A probe of the caller's that holds a secret in memory and a file open.
struct Holder {
    child: Child,
    token: SecretFile,
    pid: String,
    address: String,
    descriptor: String,
}

impl Holder {
    fn start(site: &Site) -> Self {
        let token = SecretFile::new(site);
        let mut command = site.host("./probe");
        command.args(["hold-secret", "held"]).arg(token.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the probe runs");
        let stdout = child.stdout.take().expect("piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let mut words = line.split_whitespace().map(str::to_owned);
        let mut word = || words.next().expect("three words");
        Self { child, token, pid: word(), address: word(), descriptor: word() }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `{pid}` stands for a process of the caller's on the host.
#[track_caller]
fn finds_nobody(line: &str) {
    answers(line, "-1 ESRCH");
}

#[track_caller]
fn is_refused(line: &str) {
    answers(line, "-1 EPERM");
}

#[track_caller]
fn answers(line: &str, expected: &str) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let process = Process::start(&site);
        let line = line.replace("{pid}", &process.pid().to_string());
        let line: Vec<_> = line.split(' ').collect();
        assert_eq!(inside(&site, &line), expected, "{line:?}");
        assert_ne!(outside(&site, &line), expected, "control: {line:?}");
    });
}
