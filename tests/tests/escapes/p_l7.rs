//! P-L7: the time limit holds against a payload that ignores signals.

use std::time::Duration;

use clearing_tests::{assert_nothing_left, for_each_caller, in_time};

use crate::attack::armed;

#[test]
fn signals_that_are_blocked_do_not_help() {
    ends_in_time(&["./probe", "stubborn", "mark"]);
}

#[test]
fn signals_that_are_ignored_do_not_help() {
    ends_in_time(&["sh", "-c", "trap '' TERM INT HUP QUIT; while :; do sleep 1; done"]);
}

#[test]
fn a_daemon_does_not_outlive_it() {
    ends_in_time(&["sh", "-c", "./probe daemon mark; ./probe stubborn mark"]);
}

#[test]
fn standing_still_does_not_help() {
    ends_in_time(&["sh", "-c", "kill -STOP $$"]);
}

#[test]
fn forking_without_end_does_not_help() {
    ends_in_time(&["sh", "-c", "trap '' TERM; while :; do (trap '' TERM; sleep 30) & sleep 0.01; done"]);
}

#[test]
fn taking_all_processes_does_not_help() {
    ends_in_time(&["sh", "-c", "trap '' TERM; ./probe forks 5000; while :; do sleep 1; done"]);
}

#[track_caller]
fn ends_in_time(command: &[&str]) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let run = || site.run(command).args(["--timeout", "500ms", "--pids", "256"]).output();
        // The grace of the default profile is two seconds.
        let output = in_time(Duration::from_millis(2500), Duration::from_millis(2500), run);
        output.expect_code(124);
        assert_eq!(output.outcome()["cause"], "timeout", "{output}");
        assert_nothing_left(&site);
    });
}
