//! An end by itself is told as such, also where limits are set.

use clearing_tests::{Site, for_each_caller};

const ALL: [&str; 14] = [
    "--memory",
    "256M",
    "--pids",
    "64",
    "--cpu-time",
    "20s",
    "--disk",
    "100M",
    "--output",
    "1M",
    "--file-size",
    "10M",
    "--timeout",
    "60s",
];

#[test]
fn an_exit_is_an_exit() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for code in [0, 1, 124, 137] {
            let output = site.run(["sh", "-c", &format!("exit {code}")]).args(ALL).output();
            output.expect_code(code);
            let outcome = output.outcome();
            assert_eq!((&outcome["cause"], outcome.get("exceeded")), (&"exit".into(), None), "{output}");
        }
    });
}

#[test]
fn a_signal_is_a_signal() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for signal in [9, 15, 24, 25] {
            let output = site.run(["sh", "-c", &format!("kill -{signal} $$")]).args(&ALL[..10]).output();
            output.expect_code(128 + signal);
            assert_eq!(output.outcome()["cause"], "signal", "{output}");
        }
    });
}

#[test]
fn a_deadline_is_a_deadline() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["sleep", "60"]).args(["--memory", "64M", "--timeout", "300ms"]).output();
        output.expect_code(124).expect_stderr("hint: `--timeout 600ms`");
        assert_eq!(output.outcome()["cause"], "timeout", "{output}");
    });
}

#[test]
fn a_child_s_end_is_not_the_command_s() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "sh -c 'kill -9 $$'; dd if=/dev/zero of=x bs=1M count=20 2>/dev/null; exit 5";
        let output = site.run(["sh", "-c", script]).args(ALL).output();
        output.expect_code(5);
        assert_eq!(output.outcome()["cause"], "exit", "{output}");
    });
}
