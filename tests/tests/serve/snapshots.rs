//! Snapshots and rollbacks, with nothing running and with something.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use serde_json::json;

#[test]
fn a_rollback_is_refused_while_something_runs_or_ends_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        client.exec(&session, &["sh", "-c", "echo one > a"]);
        let made = client.call("snapshot/create", json!({ "session": session, "label": "one" }));
        assert_eq!(made["snapshot"], "one");
        client.exec(&session, &["sh", "-c", "echo two > a"]);
        let running = client.running(&session, &["sleep", "1000"], json!({}));
        let back = json!({ "session": session, "snapshot": "one" });
        assert_eq!(client.refused("snapshot/rollback", back), (-32000, "CLR-BUSY".into()));
        let refused = client.refused("snapshot/create", json!({ "session": session }));
        assert_eq!(refused, (-32000, "CLR-BUSY".into()));
        let back = json!({ "session": session, "snapshot": "one", "processes": "stop" });
        let back = client.call("snapshot/rollback", back);
        assert_eq!(back["snapshot"], "one");
        assert!(back["backup"].is_string());
        assert_eq!(client.result(running)["outcome"]["cause"], "cancelled");
        client.notes();
        client.exec(&session, &["cat", "a"]);
        assert_eq!(client.said("stdout"), "one\n");
        let all = client.call("snapshot/list", json!({ "session": session }));
        let names: Vec<_> =
            all["snapshots"].as_array().unwrap().iter().map(|it| it["snapshot"].clone()).collect();
        assert_eq!(names, [json!("initial"), json!("one"), back["backup"].clone()]);
        let unknown = client.refused("snapshot/rollback", json!({ "session": session, "snapshot": "none" }));
        assert_eq!(unknown, (-32000, "CLR-UNKNOWN".into()));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
