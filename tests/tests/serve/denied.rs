//! What the rules do not permit is an outcome.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use serde_json::json;

#[test]
fn a_command_that_is_not_permitted_has_an_outcome_and_no_process() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let rules = "rules = [{ prefix = [\"curl\"], decision = \"deny\", reason = \"no\" }]";
        let profile = site.write_home("mine.toml", format!("extends = \"default\"\n[commands]\n{rules}\n"));
        let made = json!({ "workspace": site.project(), "profile": profile });
        let session = client.call("session/create", made)["session"].as_str().unwrap().to_owned();
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
