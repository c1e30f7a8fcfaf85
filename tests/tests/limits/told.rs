//! What happens at a limit is told as an event while the command runs, and in words at its end.

use clearing_tests::{Site, for_each_caller};
use nix::sys::signal::Signal;
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

/// What comes near a limit and stays there, and what a person hears of it meanwhile.
const NEAR: [(&[&str], &str, &str); 4] = [
    (&["--disk", "100M"], "head -c 95M /dev/zero > x", "disk came near the limit: 9"),
    (&["--inodes", "100"], "for i in $(seq 95); do : > $i; done", "files came near the limit: 9"),
    (
        &["--output", "1000"],
        "head -c 950 /dev/zero",
        "output came near the limit: 950 of 1000; `--output 1M` gives",
    ),
    (
        &["--pids", "8"],
        "for i in 1 2 3 4 5 6; do sleep 60 & done",
        "processes came near the limit: 8 of 8; `--pids 16`",
    ),
];

#[test]
fn a_person_hears_of_a_near_limit_while_the_command_runs() {
    for_each_caller(|caller| {
        for (options, script, told) in NEAR {
            let site = Site::new(caller);
            let running = site.run(["sh", "-c", &format!("{script}; sleep 60")]).args(options).spawn();
            running.expect_told(&format!("clearing: note: {told}"));
            running.signal(Signal::SIGTERM);
            let output = running.wait();
            let notes = output.stderr.matches("came near the limit").count();
            assert_eq!(notes, 1, "once is enough\n{output}");
        }
    });
}

#[test]
fn a_note_waits_for_the_end_of_a_line_of_the_command_s() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script =
            "printf begun >&2; head -c 95M /dev/zero > x; sleep 1.5; echo ' and ended' >&2; sleep 60";
        let options = ["--disk", "100M", "--output", "1M"];
        let running = site.run(["sh", "-c", script]).args(options).spawn();
        running.expect_told("begun and ended\nclearing: note: disk came near the limit");
        running.signal(Signal::SIGTERM);
    });
}

#[test]
fn nobody_waits_for_a_reader_of_notes() {
    for_each_caller(|caller| {
        for options in [&[][..], &["--output", "1G", "--timeout", "1500ms"]] {
            let site = Site::new(caller);
            expect_outcome_without_a_reader(&site, options);
        }
    });
}

/// The command fills its standard error, which nobody reads, comes near a limit and ends.
#[track_caller]
fn expect_outcome_without_a_reader(site: &Site, options: &[&str]) {
    let deaf = ["sh", "-c", r#""$@" 2>&1 >/dev/null | sleep 300"#, "sh"];
    let script = "yes >&2 & sleep 0.5; head -c 95M /dev/zero > x; sleep 1.5; exit 3";
    let results = site.directory().join("results");
    let outcomes = || {
        let results = std::fs::read_dir(&results).unwrap().flatten();
        let texts = results.map(|result| std::fs::read_to_string(result.path()).unwrap());
        texts.filter(|text| text.contains("\"cause\"")).count()
    };
    let run = site.run(["sh", "-c", script]).args(["--disk", "100M"]).args(options).through(deaf);
    run.spawn().expect("no outcome was written", || outcomes() == 1);
}

fn alerts(stdout: &str) -> Vec<Value> {
    let events = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["type"] == "alert").collect()
}
