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

#[test]
fn an_answer_that_would_wait_longer_than_a_command_may_live_comes_with_its_end() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let times = json!({ "timeoutMs": 200, "yieldMs": 600_000 });
        let ended = client.exec_with(&session, &["sleep", "1000"], times);
        assert_eq!((&ended["state"], &ended["outcome"]["cause"]), (&json!("exited"), &json!("timeout")));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn who_waits_for_more_of_a_command_that_is_forgotten_is_told_its_end() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        // What it leaves holds its output open.
        client.exec_with(&session, &["sh", "-c", "echo one; sleep 1000 &"], json!({ "exec": "e" }));
        let on =
            |seq: u64, time: u64| json!({ "session": session, "exec": "e", "afterSeq": seq, "waitMs": time });
        let read = client.call("exec/read", on(0, 0));
        assert_eq!((&read["state"], &read["end"]), (&json!("exited"), &json!(false)), "{read}");
        let waiting = client.ask("exec/read", on(read["nextSeq"].as_u64().unwrap(), 600_000));
        for _ in 0..64 {
            client.exec(&session, &["true"]);
        }
        let last = client.result(waiting);
        assert_eq!((&last["output"], &last["end"]), (&json!([]), &json!(true)), "{last}");
        assert_eq!(client.refused("exec/read", on(0, 0)).1, "CLR-EXEC-UNKNOWN");
        client.call("session/destroy", json!({ "session": session }));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn what_a_forgotten_command_left_goes_on_and_may_still_say_something() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        // Whoever reads finds a number always, never a file that is just being written.
        let speaker = "echo 0 >count; i=0; \
                       while :; do i=$((i+1)); echo $i; echo $i >next; mv next count; sleep 0.01; done & echo up";
        client.exec(&session, &["sh", "-c", speaker]);
        for _ in 0..70 {
            client.exec(&session, &["true"]);
        }
        let goes_on = "before=$(cat count); sleep 0.5; test $(cat count) -gt $before";
        assert_eq!(client.exec(&session, &["sh", "-c", goes_on])["exitCode"], 0);
        client.call("session/destroy", json!({ "session": session }));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
