//! Limits and signal settings of the caller's.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};

use crate::refusal::{fails_with, is_refused};

#[test]
fn fewer_descriptors_than_the_profile_wants_are_told_with_the_call() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let few = ["sh", "-c", r#"ulimit -n 512; exec "$@""#, "sh"];
        is_refused(&site.run(["echo", "ran"]).through(few).output(), "limits: setrlimit(OpenFiles, 1024)");
        assert_nothing_left(&site);
    });
}

#[test]
fn a_caller_with_hardly_any_descriptors_is_told() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for count in 3..24 {
            let few = format!(r#"ulimit -n {count}; exec "$@""#);
            let output = site.run(["echo", "ran"]).through(["sh", "-c", &few, "sh"]).output();
            assert_eq!(output.code, Some(125), "{count}: {output}");
            assert!(!output.stderr.contains("panicked"), "{count}: {output}");
        }
        site.run(["true"]).output().expect_code(0);
        assert_nothing_left(&site);
    });
}

#[test]
fn files_that_may_not_grow_are_an_error_and_no_crash() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for blocks in [0, 1] {
            let small = format!(r#"ulimit -f {blocks}; exec "$@""#);
            let output = site.run(["true"]).through(["sh", "-c", &small, "sh"]).output();
            fails_with(&output, 125, "File too large");
        }
        site.run(["true"]).output().expect_code(0);
        assert_nothing_left(&site);
    });
}

#[test]
fn no_memory_for_processes_is_told() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let none = ["sh", "-c", r#"ulimit -v 20000; exec "$@""#, "sh"];
        let output = site.run(["echo", "ran"]).through(none).output();
        assert!(output.code.is_some() && !output.stderr.contains("panicked"), "{output}");
        site.run(["true"]).output().expect_code(0);
        assert_nothing_left(&site);
    });
}

#[test]
fn blocked_signals_of_the_caller_s_are_not_the_command_s() {
    let all = "use POSIX; sigprocmask(SIG_BLOCK, POSIX::SigSet->new(1..31)); exec @ARGV";
    started_with(all);
}

#[test]
fn ignored_signals_of_the_caller_s_are_not_the_command_s() {
    let all = "$SIG{$_} = 'IGNORE' for grep { !/^(KILL|STOP|NUM.*|RT.*|ZERO|__.*)$/ } keys %SIG; exec @ARGV";
    started_with(all);
}

/// The command has default signals, whatever a line of perl did to those of `clearing`.
#[track_caller]
fn started_with(perl: &str) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "grep -E 'Sig(Blk|Ign)' /proc/self/status; kill -TERM $$; sleep 1; exit 6";
        let output = site.run(["sh", "-c", script]).through(["perl", "-e", perl]).output();
        output.expect_code(143);
        assert!(output.stdout.contains("SigBlk:\t0000000000000000"), "{output}");
        assert!(output.stdout.contains("SigIgn:\t0000000000000000"), "{output}");
    });
}
