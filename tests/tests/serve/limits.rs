//! Limits of one command, beside others.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use serde_json::json;

#[test]
fn output_beyond_its_limit_ends_the_command_and_no_other() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        client.start(&session, &["sleep", "1000"], json!({ "exec": "other", "yieldMs": 0 }));
        let ended =
            client.exec_with(&session, &["yes"], json!({ "exec": "y", "limits": { "output": 100_000 } }));
        assert_eq!(ended["outcome"]["cause"], "output", "{ended}");
        let bytes: usize = client
            .notes()
            .iter()
            .filter(|note| note["params"]["exec"] == "y")
            .filter_map(|note| Some(note["params"]["text"].as_str()?.len()))
            .sum();
        assert_eq!(bytes, 100_000);
        let other = client.call("exec/wait", json!({ "session": session, "exec": "other", "waitMs": 0 }));
        assert_eq!(other["state"], "running");
        client.call("session/destroy", json!({ "session": session }));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
