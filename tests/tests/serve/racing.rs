//! What forks faster than it can be looked for, or reaped.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use serde_json::json;

/// How many numbers were given to processes while a shell began twenty.
const COUNTED: &str = "read -r _ _ _ _ a < /proc/loadavg; i=0; while [ $i -lt 20 ]; do /bin/true; i=$((i + 1)); done; \
                       read -r _ _ _ _ b < /proc/loadavg; echo $((b - a))";

#[test]
fn who_forks_without_end_is_ended_and_nobody_else() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let probe = site.install_probe();
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        client.start(&session, &["sleep", "1000"], json!({ "exec": "by", "yieldMs": 0 }));
        let race = [probe.to_str().unwrap(), "race", "4", "mark"];
        let raced = client.exec_with(&session, &race, json!({ "timeoutMs": 300 }));
        assert_eq!(raced["outcome"]["cause"], "timeout", "{raced}");
        let waited = client.call("exec/wait", json!({ "session": session, "exec": "by", "waitMs": 0 }));
        assert_eq!(waited["state"], "running");
        // Init may begin one for itself meanwhile, once.
        let counted = (0..5).map(|_| {
            client.notes();
            assert_eq!(client.exec(&session, &["sh", "-c", COUNTED])["exitCode"], 0);
            client.said("stdout")
        });
        assert!(counted.into_iter().any(|count| count == "20\n"), "somebody else still begins processes");
        client.call("session/destroy", json!({ "session": session }));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
