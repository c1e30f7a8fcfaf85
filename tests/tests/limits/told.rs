//! What happens at a limit is told as an event while the command runs, and in words at its end.

use clearing_tests::{Site, for_each_caller};
use serde_json::Value;

use crate::means::{self, Means};

#[test]
fn memory_near_its_limit_is_an_event_and_a_note() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        let run = || site.run(["./probe", "job", "62", "600"]).args(["--memory", "64M"]);
        let output = run().arg("--json").output();
        let alerts = alerts(&output.stdout);
        assert!(
            alerts.iter().any(|alert| alert["alert"] == "nearLimit" && alert["limit"] == "memory"),
            "{output}"
        );
        assert_eq!(output.outcome()["alerts"][0]["limit"], "memory", "{output}");
        run().output().expect_stderr("note: memory came near the limit");
    });
}

#[test]
fn a_refused_fork_is_counted_where_the_kernel_counts_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.install_probe();
        let script = "./probe forks 20; sleep 0.3; exit 0";
        let output = site.run(["sh", "-c", script]).args(["--pids", "8", "--json"]).output();
        output.expect_code(0);
        assert_eq!(output.outcome()["cause"], "exit", "a command that goes on is not ended\n{output}");
        let counted = output.outcome()["forksRefused"].as_u64().unwrap_or(0);
        let told = alerts(&output.stdout).iter().any(|alert| alert["alert"] == "forkRefused");
        let expected = means::of(caller) != Means::Alone;
        assert_eq!((counted > 0, told), (expected, expected), "{output}");
    });
}

#[test]
fn processes_that_the_kernel_killed_are_counted() {
    for_each_caller(|caller| {
        if means::of(caller) == Means::Alone {
            return;
        }
        let site = Site::new(caller);
        site.install_probe();
        let output =
            site.run(["sh", "-c", "./probe hog anonymous; sleep 60"]).args(["--memory", "64M"]).output();
        assert_eq!(output.outcome()["cause"], "oom", "{output}");
        assert!(output.outcome()["oomKills"].as_u64() >= Some(1), "{output}");
    });
}

#[test]
fn what_a_memory_limit_leaves_open_is_told() {
    for_each_caller(|caller| {
        let means = means::of(caller);
        if means == Means::Alone {
            return;
        }
        let site = Site::new(caller);
        let output = site.run(["true"]).args(["--memory", "64M"]).output();
        let why = output.outcome()["limits"]["memory"]["why"].as_str().unwrap_or_default();
        assert_eq!(why.contains("does not count swap"), !means::counts_swap(means), "{output}");
    });
}

#[test]
fn nothing_is_told_where_nothing_happens() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["sleep", "0.3"]).args(["--memory", "64M", "--json"]).output();
        assert_eq!(alerts(&output.stdout), Vec::<Value>::new(), "{output}");
    });
}

fn alerts(stdout: &str) -> Vec<Value> {
    let events = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["type"] == "alert").collect()
}
