//! What a server holds has bounds, and what is beyond one is refused by its own code.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use serde_json::{Map, json};

#[test]
fn no_more_sessions_are_held_than_was_said() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve(["--max-sessions", "2", "--pool", "1"]);
        let params = || json!({ "workspace": site.project() });
        let (one, two) = (client.session(&site), client.session(&site));
        assert_eq!(client.refused("session/create", params()).1, "CLR-TOO-MANY-SESSIONS");
        // One that is held is no other one.
        client.call("session/create", json!({ "session": one }));
        client.call("session/destroy", json!({ "session": two }));
        client.session(&site);
        assert_eq!(client.refused("session/create", params()).1, "CLR-TOO-MANY-SESSIONS");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn where_all_keep_too_much_output_no_command_is_begun() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve(["--max-spool", "1M"]);
        let (one, two) = (client.session(&site), client.session(&site));
        let long = |client: &mut clearing_tests::Client, session: &str| {
            client.exec_with(session, &["head", "-c", "600000", "/dev/zero"], json!({ "stream": false }))
        };
        assert_eq!(long(&mut client, &one)["exitCode"], 0);
        assert_eq!(long(&mut client, &two)["exitCode"], 0);
        let params = |session: &str| json!({ "session": session, "argv": ["true"] });
        assert_eq!(client.refused("exec/start", params(&two)).1, "CLR-SPOOL-FULL");
        client.call("session/destroy", json!({ "session": one }));
        assert_eq!(client.exec(&two, &["true"])["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn labels_have_a_number_and_a_length() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let many = |number: usize| -> Map<String, serde_json::Value> {
            (0..number).map(|number| (format!("l{number}"), json!("x"))).collect()
        };
        for labels in [json!(many(65)), json!({ "long": "x".repeat(16 * 1024) })] {
            let params = json!({ "workspace": site.project(), "labels": labels });
            assert_eq!(client.refused("session/create", params).1, "CLR-LABELS");
        }
        client.call("session/create", json!({ "workspace": site.project(), "labels": many(64) }));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
