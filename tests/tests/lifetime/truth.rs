//! How a command ended is told as it was.

use clearing_tests::{Output, Site, for_each_caller};

#[test]
fn every_exit_code_is_told_with_its_cause() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for code in [0, 1, 2, 63, 64, 100, 123, 124, 125, 126, 127, 128, 129, 137, 254, 255] {
            let output = site.run(["sh", "-c", &format!("exit {code}")]).output();
            output.expect_code(code);
            assert_eq!(
                (&output.outcome()["cause"], &output.outcome()["exitCode"]),
                (&"exit".into(), &code.into())
            );
        }
    });
}

#[test]
fn every_signal_is_told_with_its_cause() {
    // Without those that stop, continue or do nothing by default; the last two are real-time signals.
    let deadly = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 29, 30, 31, 34, 64];
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        for signal in deadly {
            let output = site.run(["./probe", "die", &signal.to_string()]).output();
            is_signal(&output, signal);
        }
    });
}

#[test]
fn the_end_of_a_child_is_not_the_end_of_the_command() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.run(["sh", "-c", "sh -c 'exit 3'; sh -c 'kill -9 $$'; (exit 4) & sleep 0.2; exit 5"])
            .output()
            .expect_code(5);
    });
}

#[test]
fn orphans_are_reaped() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        // Each of them is orphaned alive and ends later.
        let orphan = "for i in 1 2 3 4 5 6 7 8 9 10; do (sleep 0.1 & ); done";
        // One that had ended and was not reaped would still be there, by its name.
        let look =
            "sleep 0.3; while cat /proc/[0-9]*/stat 2>&1 | grep -q '(sleep)'; do :; done; echo none is left";
        site.run(["sh", "-c", &format!("{orphan}; {look}")]).output().expect_stdout("none is left");
    });
}

#[test]
fn an_orphan_s_end_is_not_taken_for_the_command_s() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "for i in $(seq 200); do (sh -c 'exit 9' &); done; sleep 0.3; exit 6";
        site.run(["sh", "-c", script]).output().expect_code(6);
    });
}

#[test]
fn a_command_that_ends_at_once_is_told_every_time() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for _ in 0..50 {
            let output = site.run(["true"]).output();
            output.expect_code(0);
            assert_eq!(output.outcome()["cause"], "exit", "{output}");
        }
    });
}

#[test]
fn an_ignored_sigchld_of_the_caller_s_takes_no_exit_code_away() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let ignoring = ["perl", "-e", "$SIG{CHLD} = 'IGNORE'; exec @ARGV"];
        site.run(["sh", "-c", "exit 7"]).through(ignoring).output().expect_code(7);
    });
}

#[track_caller]
fn is_signal(output: &Output, signal: i32) {
    output.expect_code(128 + signal);
    assert_eq!((&output.outcome()["cause"], &output.outcome()["signal"]), (&"signal".into(), &signal.into()));
}
