//! P-E1: nothing outlives a run: orphan, daemon, stopped child, fork chain, a child that holds the
//! output.

use std::time::Duration;

use clearing_tests::decoys::secret;
use clearing_tests::{Site, assert_nothing_left, for_each_caller, in_time};

use crate::attack::armed;
use crate::marked;

#[test]
fn an_orphan_does_not_outlive_the_run() {
    does_not_outlive("(sh -c 'sleep 20; true' {mark} >/dev/null 2>&1 </dev/null &)");
}

#[test]
fn a_daemon_that_ignores_signals_does_not_outlive_the_run() {
    does_not_outlive("./probe daemon {mark}");
}

#[test]
fn a_stopped_child_does_not_outlive_the_run() {
    does_not_outlive("./probe stop {mark}");
}

#[test]
fn a_chain_of_forks_does_not_outlive_the_run() {
    does_not_outlive("./probe chain 200 {mark}");
}

#[test]
fn a_child_that_holds_the_output_does_not_outlive_the_run() {
    does_not_outlive("./probe hold-output {mark}");
}

#[test]
fn a_new_session_does_not_outlive_the_run() {
    does_not_outlive("setsid sh -c 'trap \"\" HUP TERM; sleep 20; true' {mark} >/dev/null 2>&1 </dev/null &");
}

#[test]
fn a_program_from_memory_does_not_outlive_the_run() {
    does_not_outlive("./probe within memfd daemon {mark}");
}

#[test]
fn many_daemons_at_once_do_not_outlive_the_run() {
    does_not_outlive("for i in 1 2 3 4 5 6 7 8 9 10; do ./probe daemon {mark}; done");
}

#[test]
fn a_command_that_kills_itself_leaves_nothing() {
    does_not_outlive("./probe daemon {mark}; kill -9 $$");
}

#[test]
fn a_child_that_holds_the_output_does_not_delay_the_end() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let mark = secret();
        in_time(Duration::ZERO, Duration::from_secs(5), || {
            site.run(["./probe", "hold-output", &mark]).output().expect_code(0);
        });
    });
}

#[test]
fn a_stubborn_command_ends_at_the_deadline() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let mark = secret();
        let run = || site.run(["./probe", "stubborn", &mark]).args(["--timeout", "300ms"]).output();
        in_time(Duration::from_secs(3), Duration::from_secs(10), run).expect_code(124);
        assert!(marked::commands(&mark).is_empty(), "still there");
        assert_nothing_left(&site);
    });
}

/// `{mark}` stands for a text that the command line of what is left behind would show.
#[track_caller]
fn does_not_outlive(script: &str) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let mark = secret();
        let script = script.replace("{mark}", &mark);
        in_time(Duration::ZERO, Duration::from_secs(10), || site.run(["sh", "-c", &script]).output());
        assert!(marked::commands(&mark).is_empty(), "still there");
        assert_nothing_left(&site);
        outlives_outside(&site, &script, &mark);
    });
}

/// The control: on the bare host the same script leaves something, which is then ended.
#[track_caller]
fn outlives_outside(site: &Site, script: &str, mark: &str) {
    let mut bare = site.host("sh");
    bare.args(["-c", script]).stdout(std::process::Stdio::null());
    bare.status().expect("the shell runs");
    // A chain of forks is hard to see, on purpose: more than one look.
    marked::expect_there(mark, 1);
    marked::end(mark);
}
