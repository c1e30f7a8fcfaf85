//! What the command leaves running ends with it, and holds nobody up.

use std::time::Duration;

use clearing_tests::{Site, assert_nothing_left, for_each_caller, in_time};

#[test]
fn a_child_that_is_left_running_ends() {
    ends_with_the_run("sleep 60 >/dev/null 2>&1 &");
}

#[test]
fn a_child_that_holds_the_output_open_does_not_hang_the_run() {
    ends_with_the_run("sleep 60 &");
}

#[test]
fn a_double_forked_daemon_ends() {
    ends_with_the_run("(setsid sh -c '(trap \"\" HUP TERM INT; sleep 60; sleep 60) &' &); sleep 0.2");
}

#[test]
fn a_daemon_that_blocks_all_signals_ends() {
    ends_with_the_run("./probe daemon mark");
}

#[test]
fn a_stopped_child_ends() {
    ends_with_the_run("./probe stop mark");
}

#[test]
fn a_child_that_forks_without_end_ends() {
    ends_with_the_run("(while :; do (:) & wait; done) & sleep 0.1");
}

#[test]
fn a_pipeline_s_writer_that_nobody_reads_ends() {
    ends_with_the_run("yes > /dev/null & yes | head -n 1 > /dev/null; true");
}

#[test]
fn much_output_of_a_child_that_is_left_is_no_hang_with_json_either() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        in_time(Duration::ZERO, Duration::from_secs(10), || {
            site.run(["sh", "-c", "yes & sleep 0.1; exit 3"]).arg("--json").output().expect_code(3);
        });
        assert_nothing_left(&site);
    });
}

#[track_caller]
fn ends_with_the_run(script: &str) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        in_time(Duration::ZERO, Duration::from_secs(5), || {
            site.run(["sh", "-c", &format!("{script}\nexit 3")]).output().expect_code(3);
        });
        assert_nothing_left(&site);
    });
}
