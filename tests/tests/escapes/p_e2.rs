//! P-E2: a supervisor that is terminated or killed takes the run with it.

use std::fs;
use std::time::Duration;

use clearing_tests::decoys::secret;
use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::attack::armed;
use crate::marked;

/// What is promised.
const AT_ONCE: Duration = Duration::from_secs(1);

#[test]
fn a_killed_supervisor_takes_the_command_with_it() {
    goes_with_the_supervisor(Signal::SIGKILL, AT_ONCE);
}

#[test]
fn a_terminated_supervisor_takes_the_command_with_it() {
    goes_with_the_supervisor(Signal::SIGTERM, AT_ONCE);
}

#[test]
fn an_interrupted_supervisor_takes_the_command_with_it() {
    goes_with_the_supervisor(Signal::SIGINT, AT_ONCE);
}

#[test]
fn a_hung_up_supervisor_takes_the_command_with_it() {
    goes_with_the_supervisor(Signal::SIGHUP, AT_ONCE);
}

#[test]
fn an_aborted_supervisor_takes_the_command_with_it() {
    goes_with_the_supervisor(Signal::SIGABRT, AT_ONCE);
}

#[test]
fn a_killed_supervisor_takes_daemons_that_ignore_signals_with_it() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let mark = secret();
        let script = format!("./probe daemon {mark}; ./probe stop {mark}; exec ./probe stubborn {mark}");
        let running = site.run(["sh", "-c", &script]).spawn();
        marked::expect_there(&mark, 3);
        running.signal(Signal::SIGKILL);
        marked::expect_gone(&mark, AT_ONCE);
    });
}

#[test]
fn a_terminated_supervisor_takes_a_stubborn_command_with_it() {
    // After its grace, which may be longer than a second.
    for_each_caller(|caller| {
        let site = armed(caller);
        let mark = secret();
        let running = site.run(["./probe", "stubborn", &mark]).spawn();
        marked::expect_there(&mark, 1);
        running.signal(Signal::SIGTERM);
        marked::expect_gone(&mark, Duration::from_secs(15));
        drop(running);
    });
}

#[test]
fn a_killed_init_ends_the_run_and_is_told() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let mark = secret();
        let running = site.run(["sh", "-c", "sleep 20; true", &mark]).spawn();
        marked::expect_there(&mark, 1);
        let init = child_of(running.pid().as_raw());
        kill(Pid::from_raw(init), Signal::SIGKILL).expect("init is there");
        let output = running.wait();
        assert_ne!(output.code, Some(0), "{output}");
        marked::expect_gone(&mark, AT_ONCE);
    });
}

#[test]
fn after_a_killed_supervisor_one_further_command_leaves_nothing() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let mark = secret();
        let running = site.run(["sh", "-c", "echo x > file; sleep 20; true", &mark]).spawn();
        marked::expect_there(&mark, 1);
        running.signal(Signal::SIGKILL);
        marked::expect_gone(&mark, AT_ONCE);
        drop(running);
        site.run(["true"]).output().expect_code(0);
        assert_nothing_left(&site);
    });
}

#[track_caller]
fn goes_with_the_supervisor(signal: Signal, patience: Duration) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mark = secret();
        let running = site.run(["sh", "-c", "sleep 20; true", &mark]).spawn();
        marked::expect_there(&mark, 1);
        running.signal(signal);
        let output = running.wait();
        assert_ne!(output.code, Some(0), "{output}");
        marked::expect_gone(&mark, patience);
        // The control: it was there before, and nothing but the signal could end it so early.
    });
}

fn child_of(pid: i32) -> i32 {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("children");
    let first = children.split_whitespace().next().and_then(|child| child.parse().ok());
    first.expect("the supervisor has a child")
}
