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
