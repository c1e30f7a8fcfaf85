//! Verbs of the command line on a session that a server holds go through the server.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use serde_json::json;

#[test]
fn verbs_of_the_command_line_go_through_the_server_that_holds_the_session() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        client.call("session/create", json!({ "workspace": site.project(), "name": "fix" }));
        client.exec("fix", &["sh", "-c", "echo one > a"]);
        site.clearing(["snapshot", "fix", "one"]).output().expect_code(0).expect_stdout("one");
        client.exec("fix", &["sh", "-c", "echo two > a"]);
        site.clearing(["diff", "fix"]).output().expect_code(0).expect_stdout("+two");
        site.clearing(["history", "fix"]).output().expect_code(0).expect_stdout("one");
        client.running("fix", &["sleep", "1000"], json!({ "exec": "s" }));
        let busy = site.clearing(["rollback", "fix", "one", "--json"]).output();
        busy.expect_code(125).expect_stdout("CLR-BUSY");
        client.call("exec/signal", json!({ "session": "fix", "exec": "s", "signal": "KILL" }));
        client.call("exec/wait", json!({ "session": "fix", "exec": "s" }));
        site.clearing(["rollback", "fix", "nothing", "--json"])
            .output()
            .expect_code(125)
            .expect_stdout("CLR-UNKNOWN");
        site.clearing(["rollback", "fix", "one"]).output().expect_code(0);
        assert_eq!(client.exec("fix", &["grep", "-q", "one", "a"])["exitCode"], 0);
        site.clearing(["rm", "fix", "--yes"]).output().expect_code(0);
        assert_eq!(client.call("health", json!({}))["sessions"], 0);
        site.clearing(["inspect", "fix"]).output().expect_code(125);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn what_a_session_changed_lands_and_is_given_up_through_the_server() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        client.call("session/create", json!({ "workspace": site.project(), "name": "fix" }));
        client.exec("fix", &["sh", "-c", "echo one > a; mkfifo pipe"]);
        let planned = site.clearing(["commit", "fix", "--dry-run"]).output();
        planned.expect_code(0).expect_stderr("clearing: would land: 1 made, 0 changed, 0 deleted");
        assert!(!site.project().join("a").exists());
        let landed = site.clearing(["commit", "fix"]).output();
        landed.expect_code(0).expect_stderr("clearing: landed: 1 made").expect_stderr("  x pipe: ");
        assert_eq!(std::fs::read_to_string(site.project().join("a")).unwrap(), "one\n");
        client.exec("fix", &["sh", "-c", "echo two > a"]);
        site.write(site.project().join("a"), "three\n");
        let disputed = site.clearing(["commit", "fix", "--json"]).output();
        disputed.expect_code(1).expect_stdout(r#""conflicts":[{"#).expect_stdout(r#""type":"commit""#);
        site.clearing(["discard", "fix"]).output().expect_code(125);
        let discarded = site.clearing(["discard", "fix", "--yes"]).output();
        discarded.expect_code(0).expect_stderr("clearing: discarded; what was there is kept as ");
        assert_eq!(client.exec("fix", &["grep", "-q", "three", "a"])["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_patch_and_a_fork_go_through_the_server() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        client.call("session/create", json!({ "workspace": site.project(), "name": "fix" }));
        let patch = "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+text\n";
        let of = |verb: &str| site.clearing(["patch", verb, "fix", "-"]).stdin(patch).output();
        of("check").expect_code(0).expect_stderr("clearing: accepted: 1 file, +1 -0");
        assert_eq!(client.exec("fix", &["test", "-e", "new"])["exitCode"], 1);
        of("apply").expect_code(0).expect_stdout("new: ");
        assert_eq!(client.exec("fix", &["grep", "-q", "text", "new"])["exitCode"], 0);
        of("apply").expect_code(1).expect_stderr("clearing: refused");
        client.exec("fix", &["sh", "-c", "printf '1\\n2\\n3\\n' > lines"]);
        let narrow = "--- a/lines\n+++ b/lines\n@@ -2 +2 @@\n-2\n+two\n";
        let zero =
            |more: &[&str]| site.clearing(["patch", "apply", "fix", "-"]).args(more).stdin(narrow).output();
        zero(&[]).expect_code(1);
        zero(&["--unidiff-zero"]).expect_code(0);
        assert_eq!(client.exec("fix", &["grep", "-q", "two", "lines"])["exitCode"], 0);
        let refused =
            site.clearing(["patch", "check", "fix", "-", "--profile", "python"]).stdin(patch).output();
        refused.expect_code(125).expect_stderr("--profile").expect_stderr("hint: `clearing fork`");
        let forked = site.clearing(["fork", "fix", "--name", "second"]).output();
        forked.expect_code(0).expect_stdout("s-");
        site.clearing(["exec", "second"]).command(["grep", "-q", "text", "new"]).output().expect_code(0);
        let early = site.clearing(["fork", "fix", "--from", "initial", "--name", "early"]).output();
        early.expect_code(0).expect_stdout("s-");
        site.clearing(["exec", "early"]).command(["test", "-e", "new"]).output().expect_code(1);
        let unknown = site.clearing(["fork", "fix", "--from", "nothing", "--json"]).output();
        unknown.expect_code(125).expect_stdout("CLR-UNKNOWN");
        assert_eq!(client.exec("fix", &["grep", "-q", "text", "new"])["exitCode"], 0);
        site.clearing(["rm", "early", "--yes"]).output().expect_code(0);
        site.clearing(["rm", "second", "--yes"]).output().expect_code(0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
