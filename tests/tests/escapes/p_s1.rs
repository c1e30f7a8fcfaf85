//! P-S1: seccomp is on, for every task, also behind setsid, double fork, memfd.

use clearing_tests::{Site, for_each_caller};

use crate::attack::{armed, attempt, control, inside, outside};

#[test]
fn the_filter_is_on() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = attempt(&site, "grep Seccomp: /proc/self/status");
        output.expect_stdout("Seccomp:\t2\n");
        let told = control(&site, "grep Seccomp: /proc/self/status");
        assert!(!told.contains("Seccomp:\t2\n"), "control: {told}");
    });
}

#[test]
fn the_filter_is_on_in_a_thread() {
    holds_within("thread");
}

#[test]
fn the_filter_is_on_in_a_new_session() {
    holds_within("session");
}

#[test]
fn the_filter_is_on_in_an_orphan() {
    holds_within("orphan");
}

#[test]
fn the_filter_is_on_in_a_program_from_memory() {
    holds_within("memfd");
}

#[test]
fn the_filter_is_on_in_a_child_that_shares_memory() {
    holds_within("vfork");
}

#[test]
fn every_task_of_the_run_has_a_filter() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "(sleep 1 & setsid sleep 1 & grep -h Seccomp: /proc/[0-9]*/task/*/status | sort -u)";
        let output = attempt(&site, script);
        let modes: Vec<_> = output.stdout.lines().filter(|line| line.starts_with("Seccomp:")).collect();
        assert_eq!(modes, ["Seccomp:\t2"], "{output}");
    });
}

#[test]
fn the_filter_cannot_be_taken_off() {
    // PR_SET_SECCOMP knows no mode 0, and no way back from 2 to 1.
    for_each_caller(|caller| {
        let site = armed(caller);
        for mode in ["0", "1"] {
            let answer = inside(&site, &["raw", "prctl", "22", mode, "null"]);
            assert_eq!(answer, "-1 EINVAL", "mode {mode}");
        }
        assert_eq!(inside(&site, &["raw", "prctl", "21"]), "2 ok");
        assert_eq!(outside(&site, &["raw", "prctl", "21"]), "0 ok", "control");
    });
}

#[test]
fn a_filter_that_allows_all_allows_nothing_more() {
    for_each_caller(|caller| {
        let site = armed(caller);
        assert_eq!(
            inside(&site, &["allow-all", "raw", "mount", "bad", "bad", "null", "0", "null"]),
            "-1 EPERM"
        );
        assert_eq!(outside(&site, &["allow-all", "raw", "getpgid", "0"]).split(' ').next_back(), Some("ok"));
    });
}

#[test]
fn a_tracer_cannot_change_a_call_behind_the_filter() {
    for_each_caller(|caller| {
        let site = armed(caller);
        // The tracee calls getpid, the tracer makes another call of it: here unshare of a user namespace.
        assert_eq!(inside(&site, &["rewrite", "unshare", "0x10000000"]), "-1 EPERM");
        assert_eq!(outside(&site, &["rewrite", "unshare", "0x10000000"]), "0 ok", "control");
    });
}

#[track_caller]
fn holds_within(context: &str) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let line = ["within", context, "raw", "fsopen", "bad", "0"];
        assert_eq!(inside(&site, &line), "-1 EPERM");
        let bare = crate::attack::in_namespaces(&site, &line);
        assert_eq!(bare, "-1 EFAULT", "control");
    });
}
