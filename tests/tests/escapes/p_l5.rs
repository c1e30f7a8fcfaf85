//! P-L5: output is limited, and can't hang the supervisor.

use clearing_tests::for_each_caller;

use crate::attack::armed;

#[test]
fn the_reader_gets_no_more_than_the_limit() {
    is_cut("yes");
}

#[test]
fn a_stream_that_is_opened_anew_counts() {
    // Root's own pipe cannot be opened by the command, who is nobody there.
    is_cut("yes > /proc/self/fd/1 || yes");
}

#[test]
fn a_child_in_a_session_of_its_own_counts() {
    is_cut("setsid yes & sleep 60");
}

#[test]
fn both_streams_count() {
    is_cut("yes >&2 & yes");
}

#[test]
fn who_ignores_the_end_of_the_reader_is_killed() {
    is_cut("trap '' PIPE TERM; while :; do echo more; done");
}

#[track_caller]
fn is_cut(script: &str) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let output = site.run(["sh", "-c", script]).args(["--output", "100K"]).output();
        output.expect_code(137);
        assert_eq!(output.outcome()["cause"], "output", "{}", output.outcome());
        let talk =
            output.stderr.lines().filter(|line| line.starts_with("clearing:") || line.starts_with("hint:"));
        let own: usize = talk.map(|line| line.len() + 1).sum();
        let got = output.stdout.len() + output.stderr.len() - own;
        assert_eq!(got, 100 << 10, "as {caller:?}");
    });
}
