//! `--json`: every verb tells its result, and what went wrong, in tagged values, one a line.

use clearing_tests::{Output, Run, Site, for_each_caller, verbs};
use serde_json::{Map, Value};

/// Those whose standard output is JSON anyway, and why.
const OTHERWISE: &[(&str, &str)] =
    &[("serve", "it speaks JSON-RPC"), ("mcp", "it speaks MCP"), ("schema", "it prints nothing but JSON")];

const PATCH: &str = "--- /dev/null\n+++ b/patched\n@@ -0,0 +1 @@\n+patched\n";
const WRITE: &str = "echo out; echo error >&2; echo 'eval(x)' > new.py; mkdir deep; echo x > deep/y";

/// A story in which each verb succeeds, and what it tells in its last line.
const STORY: &[(&str, &[&str], &str)] = &[
    ("create", &["--name", "fix"], "session"),
    ("exec", &["fix", "--", "sh", "-c", WRITE], "outcome"),
    ("ls", &[], "session"),
    ("inspect", &["fix"], "session"),
    ("snapshot", &["fix", "green"], "snapshot"),
    ("history", &["fix"], "step"),
    ("diff", &["fix"], "summary"),
    ("findings", &["fix"], "finding"),
    ("fork", &["fix", "--name", "other"], "session"),
    ("patch check", &["fix", "-"], "patch"),
    ("patch apply", &["fix", "-"], "patch"),
    ("rollback", &["fix", "green"], "rollback"),
    ("commit", &["fix"], "commit"),
    ("discard", &["other", "--yes"], "discard"),
    ("rm", &["other", "--yes"], "removal"),
    ("gc", &["--keep", "0", "--yes"], "removal"),
    ("run", &["--plan", "--", "true"], "plan"),
    ("run", &["--keep", "--", "sh", "-c", WRITE], "outcome"),
    ("policy check", &["--", "true"], "judgement"),
    ("policy show", &[], "policy"),
    ("audit show", &[], "outcome"),
    ("audit verify", &[], "verification"),
    ("doctor", &[], "diagnosis"),
];

/// Each verb where it must fail, and the code that it tells.
const FAILURES: &[(&str, &[&str], &str)] = &[
    ("create", &["-w", "/"], "CLR-PROJECT"),
    ("exec", &["nobody", "--", "true"], "CLR-UNKNOWN"),
    ("ls", NO_STATE, "CLR-STATE"),
    ("inspect", &["nobody"], "CLR-UNKNOWN"),
    ("snapshot", &["nobody"], "CLR-UNKNOWN"),
    ("history", &["nobody"], "CLR-UNKNOWN"),
    ("diff", &["nobody"], "CLR-UNKNOWN"),
    ("findings", &["nobody"], "CLR-UNKNOWN"),
    ("fork", &["nobody"], "CLR-UNKNOWN"),
    ("patch check", &["nobody", "-"], "CLR-UNKNOWN"),
    ("patch apply", &["nobody", "-"], "CLR-UNKNOWN"),
    ("rollback", &["nobody", "initial"], "CLR-UNKNOWN"),
    ("commit", &["nobody"], "CLR-UNKNOWN"),
    ("discard", &["nobody"], "CLR-UNKNOWN"),
    ("rm", &["nobody"], "CLR-UNKNOWN"),
    ("gc", NO_STATE, "CLR-STATE"),
    ("run", &["-w", "/", "--", "true"], "CLR-PROJECT"),
    ("policy check", &["-p", "nobody", "--", "true"], "CLR-PROFILE"),
    ("policy show", &["-p", "nobody"], "CLR-PROFILE"),
    ("audit show", NO_STATE, "CLR-STATE"),
    ("audit verify", NO_STATE, "CLR-STATE"),
];

/// No arguments: it is the state directory that cannot be had.
const NO_STATE: &[&str] = &[];

/// Those that answer whatever is wrong.
const NEVER_FAIL: &[&str] = &["doctor"];

#[test]
fn every_verb_tells_its_result_in_tagged_lines() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        expect_all(&site, STORY.iter().map(|(verb, ..)| *verb));
        for (verb, rest, last) in STORY {
            let output = call(&site, verb, rest).stdin(PATCH).output();
            let told = lines(&output);
            assert!(output.code == Some(0) || *verb == "doctor", "{verb}\n{output}");
            assert_eq!(
                told.last().map(|line| line["type"].clone()),
                Some((*last).into()),
                "{verb}\n{output}"
            );
        }
        assert!(site.project().join("new.py").exists());
    });
}

#[test]
fn every_verb_tells_what_went_wrong_in_a_tagged_line() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        expect_all(&site, FAILURES.iter().map(|(verb, ..)| *verb).chain(NEVER_FAIL.iter().copied()));
        for (verb, rest, code) in FAILURES {
            let mut run = call(&site, verb, rest).stdin(PATCH);
            if *rest == NO_STATE {
                run = run.env("CLEARING_STATE_DIR", "/dev/null/state");
            }
            let output = run.output();
            let told = lines(output.expect_code(125));
            assert_eq!((told.len(), &told[0]["code"]), (1, &Value::from(*code)), "{verb}\n{output}");
            expect_error(&output, &told[0]);
        }
    });
}

#[test]
fn every_verb_tells_in_a_tagged_line_what_of_its_options_is_not_understood() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for verb in verbs(&site).into_iter().filter(|verb| !is_otherwise(&verb.join(" "))) {
            let output = call(&site, &verb.join(" "), &["--jso"]).output();
            let told = lines(output.expect_code(125));
            assert_eq!((told.len(), &told[0]["code"]), (1, &"CLR-USAGE".into()), "{output}");
            expect_error(&output, &told[0]);
            assert!(told[0]["hint"].as_str().unwrap().contains("--json"), "{output}");
            output.expect_stderr("--json");
        }
    });
}

#[test]
fn what_the_command_is_told_is_no_option_of_ours() {
    for_each_caller(|caller| {
        let output = Site::new(caller).clearing(["run", "--jso", "--", "x", "--json"]).output();
        assert_eq!(output.expect_code(125).stdout, "");
    });
}

fn call<'s>(site: &'s Site, verb: &str, rest: &[&str]) -> Run<'s> {
    site.clearing(verb.split(' ').chain(["--json"]).chain(rest.iter().copied()))
}

/// Demands that no verb of the binary's is missing here.
#[track_caller]
fn expect_all<'a>(site: &Site, here: impl Iterator<Item = &'a str>) {
    let here: Vec<&str> = here.collect();
    let all = verbs(site).into_iter().map(|verb| verb.join(" "));
    let missing: Vec<String> =
        all.filter(|verb| !here.contains(&verb.as_str()) && !is_otherwise(verb)).collect();
    assert!(missing.is_empty(), "not looked at here: {missing:?}");
}

fn is_otherwise(verb: &str) -> bool {
    OTHERWISE.iter().any(|(name, _)| verb == *name)
}

/// Each line is an object that says what it is.
#[track_caller]
fn lines(output: &Output) -> Vec<Map<String, Value>> {
    let objects = output.stdout.lines().map(serde_json::from_str::<Map<String, Value>>);
    let told: Vec<_> = objects.map(|it| it.unwrap_or_else(|error| panic!("{error}\n{output}"))).collect();
    assert!(!told.is_empty() && told.iter().all(|line| line["type"].is_string()), "{output}");
    told
}

#[track_caller]
fn expect_error(output: &Output, told: &Map<String, Value>) {
    assert_eq!(told["type"], "error", "{output}");
    assert!(told["message"].as_str().is_some_and(|text| !text.is_empty()), "{output}");
}
