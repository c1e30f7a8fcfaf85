//! What the rules do not permit is an outcome.

use std::time::{Duration, Instant};

use clearing_tests::{DEADLINE, Site, assert_nothing_left, for_each_caller, patience};
use serde_json::{Value, json};

const ENFORCED: &str = r#"
extends = "default"
[commands]
enforce = true
default = "deny"
rules = [{ prefix = [["sh", "sleep", "echo"]], decision = "allow", reason = "these alone" }]
"#;

/// The record's lines of a type.
fn recorded(site: &Site, kind: &str) -> Vec<Value> {
    let record = std::fs::read_to_string(site.state().join("audit.jsonl")).unwrap();
    // What comes after the last end of a line is still being written.
    let whole = record.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let lines = whole.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["type"] == kind).collect()
}

#[test]
fn what_is_not_executed_is_recorded_also_of_what_a_command_left_running() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let profile = site.write_home("mine.toml", ENFORCED);
        let session = client.session_by(&site, &profile);
        // What a script starts is judged by nobody beforehand.
        site.write("script.sh", "id -u; echo done");
        site.write("left.sh", "{ sleep 1; uname; } > /dev/null 2>&1 &");
        assert_eq!(client.exec(&session, &["sh", "script.sh"])["exitCode"], 0);
        let ended = recorded(&site, "outcome");
        let denials = ended.iter().filter_map(|line| line["denials"].as_array()).flatten();
        let wanted: Vec<&Value> = denials.map(|denial| &denial["want"]).collect();
        assert_eq!(wanted, [&json!("/usr/bin/id")]);
        assert_eq!(client.exec(&session, &["sh", "left.sh"])["exitCode"], 0);
        let of = recorded(&site, "decision").last().unwrap()["seq"].clone();
        let until = Instant::now() + patience(DEADLINE);
        while recorded(&site, "denial").is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        let denial = &recorded(&site, "denial")[0];
        assert_eq!((&denial["want"], &denial["of"]), (&json!("/usr/bin/uname"), &of), "{denial}");
        assert_eq!(client.call("audit/verify", json!({}))["whole"], true);
        client.call("session/destroy", json!({ "session": session }));
        assert_eq!(client.finish(), 0);
        let shown = site.clearing(["audit", "show"]).output();
        assert_eq!(shown.stdout.matches("exit 0").count(), 2, "{}", shown.stdout);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_command_that_is_not_permitted_has_an_outcome_and_no_process() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let rules = "rules = [{ prefix = [\"curl\"], decision = \"deny\", reason = \"no\" }]";
        let profile = site.write_home("mine.toml", format!("extends = \"default\"\n[commands]\n{rules}\n"));
        let session = client.session_by(&site, &profile);
        let denied = client.exec_with(&session, &["curl", "example.org"], json!({ "exec": "c" }));
        assert_eq!((&denied["state"], &denied["exitCode"]), (&json!("exited"), &json!(125)));
        assert_eq!(denied["outcome"]["cause"], "policy");
        let told = client.note_of("denial");
        assert_eq!((&told["exec"], &told["code"]), (&json!("c"), &json!("CLR-POLICY-CMD")));
        let said =
            client.call("policy/check", json!({ "session": session, "argv": ["curl", "example.org"] }));
        assert_eq!(said["decision"], "deny");
        let record = client.call("audit/verify", json!({}));
        assert_eq!(record["whole"], true);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

/// A session begins at the top of its project, a command where it says.
#[test]
fn a_relative_path_of_a_rule_is_allowed_at_the_top_alone() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let profile = site.write_build_scripts();
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session_by(&site, &profile);
        let top = site.project().to_str().unwrap().to_owned();
        for (cwd, allowed) in [
            (json!(null), true),
            (json!("."), true),
            (json!(top), true),
            (json!("sub"), false),
            (json!("sub/.."), false),
            (json!(format!("{top}/sub")), false),
            (json!("/tmp"), false),
        ] {
            let more = json!({ "cwd": cwd });
            let ended = client.exec_with(&session, &["./build.sh"], more);
            let expected = if allowed { "exit" } else { "policy" };
            assert_eq!(ended["outcome"]["cause"], expected, "{cwd}: {ended}");
            let asked = json!({ "session": session, "argv": ["./build.sh"], "cwd": cwd });
            let expected = if allowed { "allow" } else { "deny" };
            assert_eq!(client.call("policy/check", asked)["decision"], expected, "{cwd}");
        }
        assert!(!client.said("stdout").contains("sub"));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
