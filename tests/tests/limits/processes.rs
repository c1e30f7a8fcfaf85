//! Processes are limited, threads among them, and a fork bomb stays within the limit.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};

use crate::means::{self, expect_cause, expect_limit};

#[test]
fn the_command_and_its_children_are_as_many_as_was_said() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        // The first of eight is the probe itself.
        site.run(["./probe", "forks", "7"]).args(["--pids", "8"]).output().expect_code(0);
        let output = site.run(["./probe", "forks", "8"]).args(["--pids", "8"]).output();
        output.expect_code(1).expect_stdout("7 and then -1 EAGAIN");
        expect_cause(&output, "pids", "processes");
        expect_limit(&output, "processes", 8, means::of(caller).of_processes());
        output.expect_stderr("hint: `--pids 16`");
    });
}

#[test]
fn threads_count() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        let output = site.run(["./probe", "threads", "20"]).args(["--pids", "8"]).output();
        output.expect_code(1).expect_stdout("7 and then -1 EAGAIN");
    });
}

#[test]
fn a_fork_bomb_is_refused_and_ends_with_the_run() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let bomb = "bomb() { bomb | bomb & }; bomb; sleep 1; exit 3";
        let output = site.run(["sh", "-c", bomb]).args(["--pids", "32", "--timeout", "50s"]).output();
        let most = output.outcome()["usage"]["peakProcesses"].as_u64().unwrap();
        assert!(most <= 32, "{most} processes\n{output}");
        assert_ne!(output.outcome()["cause"], "timeout", "{output}");
        assert_nothing_left(&site);
    });
}

#[test]
fn a_command_that_fails_for_another_reason_did_not_fail_for_want_of_processes() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["sh", "-c", "sleep 60 & sleep 60 & exit 3"]).args(["--pids", "32"]).output();
        output.expect_code(3);
        assert_eq!(output.outcome()["cause"], "exit", "{output}");
    });
}
