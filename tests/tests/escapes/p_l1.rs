//! P-L1: processes are limited, threads too.

use clearing_tests::for_each_caller;

use crate::attack::{armed, outside};

#[test]
fn children_are_refused_beyond_the_limit() {
    is_refused(&["./probe", "forks", "40"]);
}

#[test]
fn threads_are_refused_beyond_the_limit() {
    is_refused(&["./probe", "threads", "40"]);
}

#[test]
fn daemons_in_sessions_of_their_own_count() {
    is_refused(&["sh", "-c", "for i in $(seq 40); do setsid sleep 30 & done; exec ./probe forks 40"]);
}

#[test]
fn the_limit_cannot_be_raised() {
    is_refused(&["sh", "-c", "ulimit -u unlimited || ulimit -Su 1000; exec ./probe forks 40"]);
}

#[test]
fn a_user_namespace_of_its_own_counts_nothing_anew() {
    is_refused(&["sh", "-c", "unshare --user --map-root-user ./probe forks 40 || exec ./probe forks 40"]);
}

/// Demands that something is refused inside that is not refused outside.
#[track_caller]
fn is_refused(command: &[&str]) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let output = site.run(command).args(["--pids", "16"]).output();
        assert!(
            output.stdout.contains("-1 EAGAIN") || output.stderr.contains("annot fork"),
            "nothing was refused\n{output}"
        );
        let most = output.outcome()["usage"]["peakProcesses"].as_u64().expect("counted");
        assert!(most <= 16, "{most} processes\n{output}");
        assert_eq!(outside(&site, &["forks", "40"]), "40 ok", "control");
    });
}
