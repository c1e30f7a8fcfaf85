//! How long an answer waits is one thing, how long a command may live another.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use serde_json::json;

#[test]
fn an_answer_comes_early_and_the_end_later() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let script = "echo one; read -r line; echo \"$line\"; exit 7";
        let early = client.exec_with(
            &session,
            &["sh", "-c", script],
            json!({ "exec": "e", "yieldMs": 1, "stdin": "open" }),
        );
        assert_eq!((&early["state"], early.get("outcome")), (&json!("running"), None));
        let on = |more: serde_json::Value| {
            let mut params = json!({ "session": session, "exec": "e" });
            params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            params
        };
        let read = client.call("exec/read", on(json!({ "waitMs": 60_000 })));
        assert_eq!((&read["output"][0]["text"], &read["end"]), (&json!("one\n"), &json!(false)));
        // However little is wanted, it is there.
        let little = client.call("exec/read", on(json!({ "waitMs": 60_000, "maxBytes": 0 })));
        assert_eq!(little["output"], read["output"]);
        let nothing = client.call("exec/read", on(json!({ "afterSeq": read["nextSeq"] })));
        assert_eq!(nothing["output"], json!([]));
        let late = client.ask("exec/wait", on(json!({})));
        client.call("exec/write", on(json!({ "text": "two\n" })));
        let late = client.result(late);
        assert_eq!((&late["state"], &late["exitCode"]), (&json!("exited"), &json!(7)));
        assert_eq!(late["outcome"]["cause"], "exit");
        let rest = client.call("exec/read", on(json!({ "afterSeq": read["nextSeq"] })));
        assert_eq!((&rest["output"][0]["text"], &rest["end"]), (&json!("two\n"), &json!(true)));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_command_that_has_had_its_time_is_ended_whoever_waits() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let ended = client.exec_with(&session, &["sleep", "1000"], json!({ "timeoutMs": 200 }));
        assert_eq!(ended["outcome"]["cause"], "timeout");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
