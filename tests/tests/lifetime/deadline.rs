//! At the deadline every process gets SIGTERM, and SIGKILL when the grace is over.

use std::time::Duration;

use clearing_tests::{Output, Site, assert_nothing_left, for_each_caller, in_time};

/// By then every command here has begun.
const TIMEOUT: Duration = Duration::from_millis(1500);
/// Of the default profile.
const GRACE: Duration = Duration::from_secs(2);
/// How late an end may be.
const LATE: Duration = Duration::from_secs(1);

#[test]
fn a_command_that_does_as_it_is_told_ends_at_the_deadline() {
    ends_at_the_deadline(&["sleep", "60"]);
}

#[test]
fn a_command_that_ignores_sigterm_ends_after_the_grace() {
    ends_after_the_grace(&["sh", "-c", "trap '' TERM; sleep 60; sleep 60"]);
}

#[test]
fn a_command_that_ignores_every_signal_ends_after_the_grace() {
    ends_after_the_grace(&["./probe", "stubborn", "mark"]);
}

#[test]
fn a_stopped_command_ends_at_the_deadline() {
    ends_at_the_deadline(&["sh", "-c", "kill -STOP $$; sleep 60"]);
}

#[test]
fn a_stopped_command_may_still_act_on_sigterm() {
    let script = "trap 'echo acted; exit 9' TERM; kill -STOP $$; sleep 60";
    for output in ends_at_the_deadline(&["sh", "-c", script]) {
        output.expect_stdout("acted");
    }
}

#[test]
fn a_command_that_forks_without_end_ends_at_the_deadline() {
    ends_at_the_deadline(&["sh", "-c", "while :; do (:) & wait; done"]);
}

#[test]
fn forking_stubborn_children_end_with_their_stubborn_parent() {
    ends_after_the_grace(&["sh", "-c", "trap '' TERM; while :; do sleep 60 & sleep 0.01; done"]);
}

#[test]
fn daemons_get_sigterm_at_the_deadline_too() {
    let daemon = r#"setsid sh -c 'trap "echo daemon acted >acted; exit" TERM; while :; do sleep 0.1; done' &
        trap 'until grep -qs daemon acted; do sleep 0.05; done; cat acted; exit' TERM; wait"#;
    for output in ends_by(&["sh", "-c", daemon], TIMEOUT + GRACE) {
        output.expect_stdout("daemon acted");
    }
}

#[test]
fn a_command_that_is_done_before_the_deadline_is_not_touched() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["sh", "-c", "sleep 0.2; exit 4"]).args(["--timeout", "60s"]).output();
        output.expect_code(4);
        assert_eq!(output.outcome()["cause"], "exit", "{output}");
    });
}

#[test]
fn output_from_before_the_deadline_is_whole() {
    for_each_caller(|caller| {
        let script = "head -c 300000 /dev/zero | tr '\\0' x; sleep 60";
        let site = Site::new(caller);
        let output = site.run(["sh", "-c", script]).args(["--timeout", "4s"]).output();
        assert_eq!(output.expect_code(124).stdout.len(), 300_000);
    });
}

#[test]
fn a_deadline_that_has_passed_at_the_start_is_a_deadline() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["sleep", "60"]).args(["--timeout", "1ms"]).output();
        output.expect_code(124);
        assert_eq!(output.outcome()["cause"], "timeout", "{output}");
        assert_nothing_left(&site);
    });
}

#[track_caller]
fn ends_at_the_deadline(command: &[&str]) -> Vec<Output> {
    ends_by(command, TIMEOUT)
}

#[track_caller]
fn ends_after_the_grace(command: &[&str]) {
    for output in ends_by(command, TIMEOUT + GRACE) {
        assert!(output.outcome()["wallMs"].as_u64() >= Some(3500), "the grace was cut short\n{output}");
    }
}

/// One output a caller; each is told as a deadline and came in time.
#[track_caller]
fn ends_by(command: &[&str], due: Duration) -> Vec<Output> {
    let outputs = std::cell::RefCell::new(Vec::new());
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        let output = in_time(due, LATE, || site.run(command).args(["--timeout", "1500ms"]).output());
        output.expect_code(124);
        assert_eq!(output.outcome()["cause"], "timeout", "{output}");
        let took = output.outcome()["wallMs"].as_u64().unwrap();
        assert!(took >= 1500, "it ended after {took} ms\n{output}");
        assert_nothing_left(&site);
        outputs.borrow_mut().push(output);
    });
    outputs.into_inner()
}
