//! `--json` tells everything in lines of JSON, `--result` the same outcome in a file.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

use clearing_tests::{Output, Site, for_each_caller, measured};
use serde_json::{Map, Value};

#[test]
fn every_line_is_an_object_and_the_last_is_the_outcome() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "for i in $(seq 100); do echo out $i; echo error $i >&2; done; echo x > new; exit 3";
        let output = site.run(["sh", "-c", script]).arg("--json").output();
        output.expect_code(3);
        let (told, outcome) = events(&output);
        assert_eq!(text(&told, "stdout"), (1..=100).map(|i| format!("out {i}\n")).collect::<String>());
        assert_eq!(text(&told, "stderr"), (1..=100).map(|i| format!("error {i}\n")).collect::<String>());
        assert_eq!((&outcome["cause"], &outcome["exitCode"]), (&"exit".into(), &3.into()));
        assert_eq!(outcome["changes"]["added"], 1);
    });
}

#[test]
fn the_outcome_is_that_of_the_result_file() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for command in [&["true"][..], &["sh", "-c", "kill $$"], &["no-such-command"], &["sleep", "60"]] {
            let output = site.run(command).args(["--json", "--timeout", "500ms"]).output();
            let (_, mut outcome) = events(&output);
            assert_eq!(outcome.remove("type"), Some("outcome".into()));
            assert_eq!(&Value::Object(outcome), output.outcome());
        }
    });
}

#[test]
fn events_are_numbered_in_order_over_both_streams() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "for i in $(seq 20); do echo out; sleep 0.02; echo error >&2; sleep 0.02; done";
        let run = || {
            let output = site.run(["sh", "-c", script]).arg("--json").output();
            let (told, _) = events(&output);
            let numbers = told.iter().map(|event| event["seq"].as_u64().unwrap());
            assert!(numbers.eq(1..=told.len() as u64), "{output}");
            told.windows(2).filter(|pair| pair[0]["stream"] != pair[1]["stream"]).count()
        };
        // Where nobody reads for a while, what came meanwhile is one event a stream.
        measured(run, |turns, slower| match turns {
            20.. => Ok(()),
            _ if *turns > 1 && slower > 2.0 => Ok(()),
            _ => Err(format!("the streams take {turns} turns")),
        });
    });
}

#[test]
fn characters_are_never_cut() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        // Three bytes each, written in parts that end within a character.
        let script =
            "i=0; while [ $i -lt 50 ]; do printf '\\342'; sleep 0.002; printf '\\202\\254'; i=$((i+1)); done
            i=0; while [ $i -lt 40000 ]; do printf '\u{20ac}\u{20ac}\u{20ac}'; i=$((i+1)); done";
        let output = site.run(["sh", "-c", script]).arg("--json").output();
        let (told, _) = events(&output);
        assert!(told.iter().all(|event| event.contains_key("text")), "{}", output.stdout.len());
        assert_eq!(text(&told, "stdout"), "\u{20ac}".repeat(120_050));
    });
}

#[test]
fn bytes_that_are_no_text_are_told_in_base64() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["sh", "-c", "printf '\\377\\000a'"]).arg("--json").output();
        let (told, _) = events(&output);
        assert_eq!((told.len(), &told[0]["bytes"]), (1, &"/wBh".into()), "{output}");
    });
}

#[test]
fn control_characters_and_quotes_stay_within_their_line() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["sh", "-c", "printf 'a\"b\\\\c\\033[2J\\r\\n\\tz'"]).arg("--json").output();
        let (told, _) = events(&output);
        assert_eq!(text(&told, "stdout"), "a\"b\\c\u{1b}[2J\r\n\tz");
    });
}

#[test]
fn nothing_but_json_comes_on_standard_output_when_a_run_is_refused() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["true"]).args(["--json", "-w", "/"]).output();
        output.expect_code(125);
        let error: Map<String, Value> = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!(error["type"], "error", "{output}");
        assert!(error["message"].as_str().unwrap().contains("root directory"), "{output}");
        assert!(error["hint"].as_str().unwrap().contains("-w"), "{output}");
    });
}

#[test]
fn a_refused_run_s_result_says_why() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["true"]).args(["-w", "/"]).output();
        let message = output.outcome()["error"]["message"].as_str().unwrap();
        assert!(message.contains("root directory"), "{output}");
    });
}

#[test]
fn a_command_that_cannot_be_started_is_an_outcome_with_its_error() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["no-such-command"]).arg("--json").output();
        output.expect_code(127);
        let (_, outcome) = events(&output);
        assert_eq!((&outcome["cause"], &outcome["exitCode"]), (&"setup".into(), &127.into()));
        assert!(outcome["error"]["message"].as_str().unwrap().contains("no-such-command"), "{output}");
    });
}

#[test]
fn guards_are_listed_with_how_they_are_enforced() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let (_, outcome) = events(&site.run(["true"]).arg("--json").output());
        let guards = outcome["guards"].as_array().unwrap();
        assert!(guards.len() >= 15, "{guards:?}");
    });
}

#[test]
fn a_reader_that_goes_away_ends_the_command_by_its_signal() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let head = ["sh", "-c", r#""$@" | head -n 1"#, "sh"];
        let output = site.run(["yes"]).arg("--json").through(head).output();
        output.expect_code(0);
        assert_eq!(output.outcome()["signal"], 13, "{output}");
    });
}

#[test]
fn a_slow_reader_gets_everything() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let slow = ["sh", "-c", r#""$@" | (sleep 1; cat)"#, "sh"];
        let output = site.run(["seq", "100000"]).arg("--json").through(slow).output();
        let (told, _) = events(&output);
        assert_eq!(text(&told, "stdout"), (1..=100_000).map(|i| format!("{i}\n")).collect::<String>());
    });
}

/// The output events, and the outcome that is the last line.
#[track_caller]
fn events(output: &Output) -> (Vec<Map<String, Value>>, Map<String, Value>) {
    let objects = output.stdout.lines().map(serde_json::from_str::<Map<String, Value>>);
    let mut told: Vec<_> =
        objects.map(|object| object.unwrap_or_else(|error| panic!("{error}\n{output}"))).collect();
    let outcome = told.pop().unwrap_or_else(|| panic!("nothing was told\n{output}"));
    assert_eq!(outcome["type"], "outcome", "{output}");
    assert!(told.iter().all(|event| event["type"] == "output"), "{output}");
    (told, outcome)
}

/// All text of one stream.
fn text(told: &[Map<String, Value>], stream: &str) -> String {
    told.iter().filter(|event| event["stream"] == stream).filter_map(|event| event["text"].as_str()).collect()
}
