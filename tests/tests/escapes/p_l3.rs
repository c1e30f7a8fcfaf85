//! P-L3: processor time is limited for the run as a whole.

use clearing_tests::for_each_caller;

use crate::attack::armed;

#[test]
fn children_count_together() {
    ends_as_cpu_time("for i in 1 2 3 4; do ./probe spin 30000 & done; wait");
}

#[test]
fn short_lived_children_count() {
    ends_as_cpu_time("while :; do ./probe spin 10; done");
}

#[test]
fn orphans_in_sessions_of_their_own_count() {
    ends_as_cpu_time("for i in 1 2 3; do (setsid ./probe spin 30000 &); done; sleep 60");
}

#[test]
fn who_ignores_the_signal_for_it_is_killed_all_the_same() {
    ends_as_cpu_time("trap '' XCPU TERM; while :; do :; done");
}

#[test]
fn the_limit_cannot_be_raised() {
    ends_as_cpu_time("ulimit -t unlimited; while :; do :; done");
}

#[track_caller]
fn ends_as_cpu_time(script: &str) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let output = site.run(["sh", "-c", script]).args(["--cpu-time", "500ms"]).output();
        output.expect_code(137);
        assert_eq!(output.outcome()["cause"], "cpu_time", "{output}");
    });
}
