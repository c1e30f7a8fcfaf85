//! Output is limited: the reader gets exactly so much, and hears how much more there was.

use std::time::Duration;

use clearing_tests::{Site, assert_nothing_left, for_each_caller, in_time};
use serde_json::Value;

use crate::means::{expect_cause, expect_limit};

#[test]
fn endless_output_ends_at_the_limit_and_all_of_it_arrives() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["yes"]).args(["--output", "10M"]).output();
        output.expect_code(137);
        assert_eq!(output.stdout.len(), 10 << 20);
        expect_cause(&output, "output", "output");
        expect_limit(&output, "output", 10 << 20, "watchdog");
        assert!(output.outcome()["truncated"]["stdout"].as_u64() > Some(0), "{output}");
        output.expect_stderr("hint: `--output 20M`");
        assert_nothing_left(&site);
    });
}

#[test]
fn both_streams_count_together_and_what_is_dropped_is_counted() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "head -c 600 /dev/zero; head -c 600 /dev/zero >&2; sleep 60";
        let output = site.run(["sh", "-c", script]).args(["--output", "1000"]).output();
        let dropped = |stream: &str| output.outcome()["truncated"][stream].as_u64().unwrap() as usize;
        let zeros = |text: &str| text.bytes().filter(|byte| *byte == 0).count();
        let (stdout, stderr) = (zeros(&output.stdout), zeros(&output.stderr));
        // Which of them is read first is for the kernel to say.
        assert_eq!((stdout + dropped("stdout"), stderr + dropped("stderr")), (600, 600), "{output}");
        assert_eq!(stdout + stderr, 1000, "{output}");
    });
}

#[test]
fn exactly_the_limit_is_within_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["head", "-c", "1000", "/dev/zero"]).args(["--output", "1000"]).output();
        output.expect_code(0);
        assert_eq!(output.outcome()["cause"], "exit", "{output}");
    });
}

#[test]
fn more_than_no_output_is_some() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["sh", "-c", "echo a; sleep 60"]).args(["--output", "0"]).output();
        expect_cause(&output, "output", "output");
        output.expect_stderr("hint: `--output 1M`");
    });
}

#[test]
fn one_stream_under_two_names_keeps_its_order() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let both = ["sh", "-c", r#"exec "$@" 2>&1"#, "sh"];
        let script = "for i in 1 2 3 4 5 6 7 8; do echo $i; echo $i >&2; done";
        let output = site.run(["sh", "-c", script]).args(["--output", "1M"]).through(both).output();
        assert!(output.stdout.starts_with("1\n1\n2\n2\n3\n3\n4\n4\n5\n5\n6\n6\n7\n7\n8\n8\n"), "{output}");
    });
}

#[test]
fn with_json_the_text_of_all_events_is_the_limit() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["yes"]).args(["--output", "100K", "--json"]).output();
        let told: usize = output
            .stdout
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .filter(|event| event["type"] == "output")
            .map(|event| event["text"].as_str().unwrap().len())
            .sum();
        assert_eq!(told, 100 << 10);
    });
}

#[test]
fn a_reader_that_reads_nothing_does_not_keep_a_command_past_its_deadline() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let deaf = ["sh", "-c", r#""$@" | sleep 300"#, "sh"];
        for options in [&["--output", "10M"][..], &["--json"]] {
            in_time(Duration::from_millis(1500), Duration::from_secs(3), || {
                let before = outcomes(&site);
                let run = site.run(["yes"]).args(["--timeout", "500ms"]).args(options).through(deaf);
                run.spawn().expect("no outcome was written", || outcomes(&site) > before);
            });
        }
    });
}

#[test]
fn what_a_reader_did_not_take_in_time_is_counted() {
    for_each_caller(|caller| {
        // Less than all pipes on the way hold, and more than the last.
        let script = "yes | head -c 120000; sleep 60";
        for options in [&["--output", "10M"][..], &["--json"]] {
            let site = Site::new(caller);
            // It begins to read when the outcome is there.
            let results = site.directory().join("results");
            let wait = format!("until cat {}/* 2>&1 | grep -q cause; do sleep 0.05; done", results.display());
            let late = format!(r#""$@" | ({wait}; cat)"#);
            let run = site.run(["sh", "-c", script]).args(["--timeout", "5s"]).args(options);
            let output = run.through(["sh", "-c", &late, "sh"]).output();
            let dropped = output.outcome()["truncated"]["stdout"].as_u64().unwrap();
            assert!(dropped > 0, "{output}");
            assert_eq!(taken(&output.stdout, options[0] == "--json") + dropped, 120_000);
            output.expect_stderr(&format!("nobody took the last {dropped} bytes"));
        }
    });
}

/// How many bytes of the command's output arrived. Each line is whole, and the last is the outcome.
fn taken(stdout: &str, json: bool) -> u64 {
    if !json {
        return stdout.len() as u64;
    }
    let lines = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    assert_eq!(lines.last().unwrap()["type"], "outcome");
    lines.iter().filter_map(|line| Some(line["text"].as_str()?.len() as u64)).sum()
}

/// How many outcomes have been written whole.
fn outcomes(site: &Site) -> usize {
    let results = std::fs::read_dir(site.directory().join("results")).unwrap().flatten();
    results.filter(|result| result.metadata().is_ok_and(|metadata| metadata.len() > 0)).count()
}
