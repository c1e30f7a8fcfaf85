//! Rules on commands from outside: what they refuse is an outcome, and nothing of it has run.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use clearing_tests::decoys::Terminal;
use clearing_tests::{Caller, Run, Site, for_each_caller};
use serde_json::{Value, json};

const PROFILE: &str = r#"
extends = "default"
[commands]
default = "deny"
rules = [
    { prefix = ["echo"], decision = "allow", reason = "harmless", match = ["echo a"], not_match = ["printf a"] },
    { prefix = ["touch"], decision = "ask", reason = "it writes" },
    { prefix = ["rm"], decision = "deny", reason = "nothing is removed" },
]
"#;

fn site(caller: Caller) -> Site {
    let site = Site::new(caller);
    site.write("rules.toml", PROFILE);
    site
}

fn run<'s>(site: &'s Site, command: &[&str]) -> Run<'s> {
    site.run(command).args(["-p", "./rules.toml"])
}

#[test]
fn what_a_rule_allows_runs_and_what_none_allows_is_an_outcome() {
    for_each_caller(|caller| {
        let site = site(caller);
        run(&site, &["echo", "a"]).output().expect_code(0).expect_stdout("a\n");
        run(&site, &["sh", "-c", "echo a && echo b"]).output().expect_code(0).expect_stdout("a\nb\n");
        let line = r#"rules = ["...", { prefix = ["printf", "x"], decision = "allow", reason = "…" }]"#;
        let refused = run(&site, &["sh", "-c", "echo ran; env printf x"]).output();
        refused
            .expect_code(125)
            .expect_stderr("`printf x` is not permitted: no rule is about it")
            .expect_stderr(line);
        assert_eq!(refused.stdout, "");
        let told = run(&site, &["rm", "x"]).arg("--json").output();
        told.expect_code(125);
        let lines: Vec<Value> = told.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let rule = r#"prefix = ["rm"], decision = "deny""#;
        let denial = json!({
            "code": "CLR-POLICY-CMD", "want": "rm x", "decision": "deny", "rule": rule,
            "reason": "nothing is removed", "hint": "only a profile without that rule allows it",
        });
        let mut event = denial.clone();
        event["type"] = json!("denial");
        assert_eq!(lines[0], event);
        assert_eq!(lines.len(), 2);
        let outcome = &lines[1];
        assert_eq!(outcome["type"], "outcome");
        assert_eq!((&outcome["decision"], &outcome["cause"]), (&json!("deny"), &json!("policy")));
        assert_eq!((&outcome["exitCode"], &outcome["denials"]), (&json!(125), &json!([denial])));
        let written = told.outcome();
        assert_eq!((&written["cause"], &written["denials"]), (&json!("policy"), &outcome["denials"]));
    });
}

#[test]
fn variables_that_change_programs_are_refused_where_commands_are_judged() {
    for_each_caller(|caller| {
        let site = site(caller);
        for name in ["PATH=/tmp", "LD_PRELOAD=x", "BASH_ENV=x"] {
            let refused = run(&site, &["echo", "ran"]).args(["-e", name]).output();
            refused.expect_code(125).expect_stderr("it sets a variable that changes which programs run");
        }
        run(&site, &["echo", "a"]).args(["-e", "CI=1"]).output().expect_code(0);
        site.run(["echo", "a"]).args(["-e", "PATH=/usr/bin:/bin"]).output().expect_code(0);
    });
}

#[test]
fn a_question_is_a_refusal_where_nobody_can_be_asked_whatever_is_said_beforehand() {
    for_each_caller(|caller| {
        let site = site(caller);
        for options in [&[][..], &["--yes"]] {
            let refused = run(&site, &["touch", "file"]).args(options).output();
            refused.expect_code(125).expect_stderr("`touch file` has to be confirmed: ");
            refused.expect_stderr("call it from a terminal to be asked; `--yes` does not answer for you");
        }
    });
}

#[test]
fn who_sits_at_a_terminal_is_asked() {
    for_each_caller(|caller| {
        let site = site(caller);
        for (answer, code) in [("y\n", 0), ("n\n", 125)] {
            let mut terminal = Terminal::open(&site);
            let run = run(&site, &["sh", "-c", "touch file; echo do''ne"]).terminal(&terminal);
            let running = run.through(["sh", "-c", r#""$@"; echo "ended $?"; read end"#, "sh"]).spawn();
            terminal.read_until("Run it? [y/N] ", Duration::from_secs(60));
            terminal.type_in(answer);
            let shown = terminal.read_until(&format!("ended {code}"), Duration::from_secs(60));
            assert_eq!(shown.contains("done"), code == 0, "{shown}");
            terminal.type_in("\n");
            drop(running.wait());
        }
    });
}

/// Nothing of what a command or a reason says looks like the question or stands out of sight.
#[test]
fn who_is_asked_sees_all_of_the_command_and_nothing_that_it_wrote_itself() {
    for_each_caller(|caller| {
        let site = site(caller);
        let begin = |terminal: &Terminal, text: &str| {
            let run = run(&site, &["sh", "-c", text]).terminal(terminal);
            run.through(["sh", "-c", r#""$@"; echo "ended $?"; read end"#, "sh"]).spawn()
        };
        let mut terminal = Terminal::open(&site);
        let text = format!("echo {}\ntouch 'file\nRun it? [y/N] y\x1b[2J'", "a".repeat(600));
        let running = begin(&terminal, &text);
        let shown = terminal.read_until("\nRun it? [y/N] ", Duration::from_secs(60)).replace("\r\n", "\n");
        terminal.type_in("n\n");
        terminal.read_until("ended 125", Duration::from_secs(60));
        terminal.type_in("\n");
        drop(running.wait());
        assert!(
            !shown.contains('\x1b') && shown.contains(r"`touch 'file\nRun it? [y/N] y\u{1b}[2J'`"),
            "{shown}"
        );
        let whole = format!(
            r"the command: sh -c $'echo {}\ntouch \'file\nRun it? [y/N] y\U0000001b[2J\''",
            "a".repeat(600)
        );
        assert!(shown.contains(&whole), "{shown}");
        let mut terminal = Terminal::open(&site);
        let running = begin(&terminal, &format!("{text}{}", " ".repeat(3000)));
        let shown = terminal.read_until("ended 125", Duration::from_secs(60));
        terminal.type_in("\n");
        drop(running.wait());
        assert!(shown.contains("it is too long to be asked about"), "{shown}");
    });
}

const RELATIVE: &str = r#"
extends = "default"
[commands]
default = "deny"
rules = [
    { prefix = ["./build.sh"], decision = "allow", reason = "the one at the top was read" },
    { prefix = ["sh"], decision = "allow", reason = "an interpreter" },
]
"#;

#[test]
fn a_relative_path_of_a_rule_is_none_of_another_directory() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("rules.toml", RELATIVE);
        site.write(
            "enforced.toml",
            RELATIVE.replace("default = \"deny\"", "default = \"deny\"\nenforce = true"),
        );
        site.write_build_scripts();
        let (top, sub) = (site.project(), site.project().join("sub"));
        let run =
            |command: &[&str]| site.run(command).args(["-w", "..", "-p", "../rules.toml"]).current_dir(&sub);
        site.run(["./build.sh"]).args(["-p", "./rules.toml"]).output().expect_code(0).expect_stdout("top\n");
        for command in [&["./build.sh"][..], &["../build.sh"], &["env", "./build.sh"]] {
            let refused = run(command).output();
            refused.expect_code(125).expect_stderr("rules name relative paths from the top of the project");
            refused.expect_stderr("hint: begin it at the top of the project");
            assert_eq!(refused.stdout, "");
        }
        let check = |from: &Path, code: i32| {
            let profile = top.join("rules.toml");
            let options = ["-w", top.to_str().unwrap(), "-p", profile.to_str().unwrap()];
            let check = site.clearing(["policy", "check"]).args(options).command(["./build.sh"]);
            check.current_dir(from).output().expect_code(code);
        };
        check(&top, 0);
        check(&sub, 1);
        site.clearing(["create", "--name", "s", "-p", "./rules.toml"]).output().expect_code(0);
        let exec = || site.clearing(["exec", "s"]).command(["./build.sh"]);
        exec().output().expect_code(0).expect_stdout("top\n");
        exec().current_dir(&sub).output().expect_code(125);
        // Nor does `enforce` let the other one be executed by what a rule allows.
        site.write("sub/both.sh", "./build.sh\n../build.sh\n");
        let both = site
            .run(["sh", "both.sh"])
            .args(["-w", "..", "-p", "../enforced.toml"])
            .current_dir(&sub)
            .output();
        assert_eq!(both.stdout, "top\n", "{both}");
    });
}

#[test]
fn a_session_and_the_record_know_what_was_decided() {
    for_each_caller(|caller| {
        let site = site(caller);
        site.clearing(["create", "--name", "s", "-p", "./rules.toml"]).output().expect_code(0);
        site.clearing(["exec", "s"]).command(["rm", "x"]).output().expect_code(125);
        site.clearing(["exec", "s"]).command(["echo", "x"]).output().expect_code(0);
        let text = fs::read_to_string(site.state().join("audit.jsonl")).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let execs: Vec<&Value> = lines.iter().filter(|line| line["verb"] == "exec").collect();
        assert_eq!((&execs[0]["decision"], &execs[0]["argv"]), (&json!("deny"), &json!(["rm", "x"])));
        assert_eq!(execs[0]["rule"], r#"prefix = ["rm"], decision = "deny": nothing is removed"#);
        assert_eq!((&execs[1]["decision"], &execs[1]["argv"]), (&json!("allow"), &json!(["echo", "x"])));
        assert_eq!(execs[1]["rule"], r#"prefix = ["echo"], decision = "allow""#);
        let end = lines.iter().find(|line| line["of"] == execs[0]["seq"]).unwrap();
        assert_eq!((&end["done"], &end["cause"]), (&json!(false), &json!("policy")));
        site.clearing(["audit", "verify"]).output().expect_code(0);
    });
}

#[test]
fn a_check_tells_decision_rule_and_line_without_running_anything() {
    for_each_caller(|caller| {
        let site = site(caller);
        let check = |options: &[&str], command: &[&str]| {
            site.clearing(["policy", "check", "-p", "./rules.toml"]).args(options).command(command).output()
        };
        let allowed = check(&[], &["env", "echo", "a"]);
        allowed.expect_code(0);
        assert_eq!(
            allowed.stdout,
            "allow\n  allow: `echo a`: harmless, by { prefix = [\"echo\"], decision = \"allow\" }\n"
        );
        let denied = check(&[], &["sh", "-c", "echo a | curl"]);
        denied.expect_code(1);
        assert_eq!(
            denied.stdout,
            "deny\n  deny: `curl`: no rule is about it\n    would allow it: rules = [\"...\", { prefix = [\"curl\"], \
             decision = \"allow\", reason = \"…\" }]\n"
        );
        check(&[], &["touch", "x"]).expect_code(1).expect_stdout("ask\n");
        check(&["-e", "PATH"], &["echo", "x"]).expect_code(1).expect_stdout("deny\n");
        let told = check(&["--json"], &["rm", "x"]);
        let told: Value = serde_json::from_str(told.stdout.trim()).unwrap();
        assert_eq!(told["decision"], "deny");
        assert_eq!(told["rulings"][0]["basis"]["rule"]["prefix"], json!([["rm"]]));
        site.clearing(["policy", "check"]).command(["anything"]).output().expect_code(0);
    });
}

#[test]
fn rules_that_a_project_brings_narrow_and_a_faulty_one_is_told_at_its_place() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write(".clearing/profile.toml", "[commands]\ndefault = 'deny'\n");
        site.run(["echo", "ran"]).output().expect_code(125).expect_stderr("no rule is about it");
        let rule =
            |text: &str| site.write(".clearing/profile.toml", format!("[commands]\nrules = [{text}]\n"));
        rule("{ prefix = ['a'], decision = 'deny', reason = 'r', match = ['b'] }");
        site.run(["echo", "ran"])
            .output()
            .expect_code(125)
            .expect_stderr("profile.toml:2:70: `rules` in [commands]");
        rule("{ prefix = ['echo'], decision = 'deny', reason = 'r' }");
        site.run(["echo", "ran"]).output().expect_code(125).expect_stderr("`echo ran` is not permitted");
        site.run(["true"]).output().expect_code(0);
    });
}
