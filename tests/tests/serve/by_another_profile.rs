//! A command by another profile than its session's: what is looked up for each command is that one's, and what the
//! sandbox was made with is refused by its key.

use clearing_tests::{Client, Output, Site, assert_nothing_left, for_each_caller};
use serde_json::{Value, json};

const NARROW: &str = r#"
extends = "default"
[commands]
rules = [{ prefix = ["rm"], decision = "deny", reason = "kept" }]
[limits]
nofile = 64
"#;

/// A server that holds the session `fix` of the profile `default`.
fn hold(site: &Site) -> Client {
    let mut client = site.serve([] as [&str; 0]);
    client.call("session/create", json!({ "workspace": site.project(), "name": "fix" }));
    client
}

fn exec(site: &Site, options: &[&str], command: &[&str]) -> Output {
    site.clearing(["exec", "fix"]).args(options).command(command).output()
}

#[test]
fn its_rules_and_limits_hold_for_one_command_alone() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let client = hold(&site);
        site.write("narrow.toml", NARROW);
        // It begins where the caller is, and not where the server is.
        let by = ["--profile", "./narrow.toml"];
        exec(&site, &by, &["rm", "-rf", "x"]).expect_code(125).expect_stderr("`rm -rf x` is not permitted");
        let files = ["sh", "-c", "ulimit -n"];
        assert_eq!(exec(&site, &by, &files).expect_code(0).stdout, "64\n");
        let fewer = ["--profile", "./narrow.toml", "--nofile", "32"];
        assert_eq!(exec(&site, &fewer, &files).expect_code(0).stdout, "32\n");
        assert_ne!(exec(&site, &[], &files).expect_code(0).stdout, "64\n");
        exec(&site, &[], &["rm", "-rf", "x"]).expect_code(0);
        let record = std::fs::read_to_string(site.state().join("audit.jsonl")).unwrap();
        let decisions = record.lines().filter(|line| line.contains("\"rm\""));
        let names = decisions.map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["profile"]["name"].as_str().unwrap().to_owned()
        });
        assert_eq!(names.collect::<Vec<_>>(), ["narrow", "default"], "{record}");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn its_variables_are_those_that_its_profile_passes_and_sets() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let few = "extends = \"default\"\n[environment]\npass = [\"PATH\"]\n";
        let few = site.write_home("few.toml", few);
        let own =
            "extends = \"default\"\nwiden = true\nreason = \"a proof\"\n[environment]\nset = { A = \"1\" }\n";
        let own = site.write_home("own.toml", own);
        client.call("session/create", json!({ "workspace": site.project(), "name": "fix", "profile": few }));
        let said = |options: &[&str]| {
            exec(&site, options, &["sh", "-c", "echo \"$LANG,$A\""]).expect_code(0).stdout.clone()
        };
        assert_eq!(said(&[]), ",\n");
        assert_eq!(said(&["--profile", "default"]), "C.UTF-8,\n");
        assert_eq!(said(&["--profile", own.to_str().unwrap()]), "C.UTF-8,1\n");
        assert_eq!(said(&[]), ",\n");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn what_the_sandbox_was_made_with_is_refused_by_its_key() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = hold(&site);
        for (section, key) in [
            ("filesystem", "caches = false"),
            ("limits", "cgroup = \"required\""),
            ("rollback", "on = [\"error\"]"),
            ("commands", "enforce = true"),
        ] {
            site.write("other.toml", format!("extends = \"default\"\n[{section}]\n{key}\n"));
            let name = key.split(' ').next().unwrap();
            let refused = exec(&site, &["--profile", "./other.toml"], &["true"]);
            refused.expect_code(125).expect_stderr(&format!("`{section}.{name}`"));
            refused.expect_stderr("hint: `clearing fork`");
        }
        exec(&site, &["--profile", "nothing-such"], &["true"]).expect_code(125).expect_stderr("nothing-such");
        let path = site.project().join("other.toml");
        let asked = json!({ "session": "fix", "argv": ["true"], "profile": path });
        assert_eq!(client.refused("exec/start", asked), (-32602, "CLR-REQUEST".into()));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_network_and_a_tier_are_the_session_s_or_refused() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = hold(&site);
        for options in [["--network", "none"], ["--tier", "namespaces"], ["--tier", "landlock"]] {
            exec(&site, &options, &["true"]).expect_code(0);
        }
        let refused = exec(&site, &["--network", "host"], &["true"]);
        refused.expect_code(125).expect_stderr("`network.mode` (\"none\" and not \"host\")");
        refused.expect_stderr("hint: `clearing fork`");
        // As the hint says.
        site.clearing(["fork", "fix", "--name", "other"]).output().expect_code(0);
        let other = site.clearing(["exec", "other", "--network", "host"]).command(["true"]).output();
        other.expect_code(0);
        let wrong = json!({ "session": "fix", "argv": ["true"], "network": "some" });
        assert_eq!(client.refused("exec/start", wrong).0, -32602);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_command_waits_for_its_place_as_without_a_server() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let client = hold(&site);
        let one = ["exec", "fix", "--max-sandboxes", "1"];
        let running = site.clearing(one).command(["sh", "-c", "echo up; sleep 1000"]).spawn();
        running.expect_printed("up");
        let busy = site.clearing(one).args(["--no-wait", "--json"]).command(["true"]).output();
        busy.expect_code(125).expect_stdout("CLR-BUSY");
        running.signal(nix::sys::signal::Signal::SIGTERM);
        running.wait();
        site.clearing(one).args(["--no-wait"]).command(["true"]).output().expect_code(0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn what_is_no_file_of_the_caller_s_is_no_profile_and_the_session_goes_on() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = hold(&site);
        let fifo = site.project().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::from_bits_truncate(0o666)).expect("made");
        site.write("narrow.toml", NARROW);
        let linked = site.project().join("linked.toml");
        std::os::unix::fs::symlink("/dev/stdin", &linked).expect("linked");
        let names =
            [fifo.to_str(), linked.to_str(), Some("/dev/stdin"), Some("/dev/fd/0"), Some("narrow.toml")];
        for name in names.into_iter().flatten() {
            let asked = json!({ "session": "fix", "argv": ["true"], "profile": name });
            assert_eq!(client.refused("exec/start", asked), (-32602, "CLR-PARAMS".into()), "{name}");
        }
        exec(&site, &["--profile", "/dev/stdin"], &["true"]).expect_code(125).expect_stderr("of a file");
        // None of what was asked next was taken for a profile.
        exec(&site, &[], &["true"]).expect_code(0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_faulty_line_is_told_by_its_place_alone() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = hold(&site);
        let secret = site.write_home("credentials", "key = \"AKIA-of-somebody\"\n");
        let asked = json!({ "session": "fix", "argv": ["true"], "profile": secret });
        let id = client.ask("exec/start", asked);
        let answer = client.answer(&json!(id)).to_string();
        assert!(answer.contains("CLR-PROFILE") && answer.contains("credentials:1:"), "{answer}");
        assert!(!answer.contains("AKIA"), "{answer}");
        assert_eq!(client.finish(), 0);
    });
}
