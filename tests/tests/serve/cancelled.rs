//! A request that is cancelled is answered when nothing of its command is left.

use clearing_tests::{Client, Site, assert_nothing_left, code_of, for_each_caller};
use serde_json::{Value, json};

/// A tree that hears no SIGTERM; `$0` marks its processes.
const STUBBORN: &str = "trap '' TERM; (sh -c 'trap \"\" TERM; while :; do sleep 0.1; done' mark) & \
                        setsid sh -c 'trap \"\" TERM; while :; do sleep 0.1; done' mark & echo up; while :; do sleep 0.1; done";

/// Succeeds where such a process is there.
const MARKED: &str = "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c m[a]rk";

#[test]
fn a_cancelled_command_is_answered_when_its_tree_is_gone() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let other = client.start(&session, &["sleep", "1000"], json!({ "exec": "other" }));
        let id = client.start(&session, &["sh", "-c", STUBBORN], json!({ "exec": "tree" }));
        while client.note_of("exec/output")["text"] != "up\n" {}
        client.cancel(id);
        assert_eq!(client.error(id), (-32800, "CLR-CANCELLED".into()));
        let exited = client.note_of("exec/exited");
        assert_eq!((&exited["exec"], &exited["outcome"]["cause"]), (&json!("tree"), &json!("cancelled")));
        let left = client.exec(&session, &["sh", "-c", MARKED]);
        assert_eq!(left["exitCode"], 1, "something is left: {:?}", client.said("stdout"));
        // The other one did not notice.
        let waited = client.call("exec/wait", json!({ "session": session, "exec": "other", "waitMs": 0 }));
        assert_eq!(waited["state"], "running");
        client.cancel(other);
        assert_eq!(client.error(other).0, -32800);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn whoever_stops_waiting_ends_nothing() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let started = client.start(&session, &["sleep", "1000"], json!({ "exec": "a", "yieldMs": 0 }));
        assert_eq!(client.result(started)["state"], "running");
        let wait = client.ask("exec/wait", json!({ "session": session, "exec": "a" }));
        let read = client.ask("exec/read", json!({ "session": session, "exec": "a", "waitMs": 300_000 }));
        client.cancel(wait);
        client.cancel(read);
        // Answered already, and never asked.
        client.cancel(started);
        client.cancel(4711);
        assert_eq!((client.error(wait).0, client.error(read).0), (-32800, -32800));
        let waited = client.call("exec/wait", json!({ "session": session, "exec": "a", "waitMs": 0 }));
        assert_eq!(waited["state"], "running");
        client.call("session/destroy", json!({ "session": session }));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn what_only_looks_is_answered_at_once_however_long_the_look_takes() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("a", "one\n");
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        // Whoever reads the record waits for this lock, and all who could do something else do that.
        let record = std::fs::OpenOptions::new().append(true).open(site.state().join("audit.jsonl")).unwrap();
        let held = nix::fcntl::Flock::lock(record, nix::fcntl::FlockArg::LockExclusive).unwrap();
        let mut asked: Vec<i64> = (0..4).map(|_| client.ask("audit/verify", json!({}))).collect();
        asked.push(client.ask("changes/diff", json!({ "session": session, "patch": true })));
        asked.push(client.ask("session/list", json!({})));
        asked.push(client.ask("policy/check", json!({ "session": session, "argv": ["true"] })));
        client.call("health", json!({}));
        for id in asked {
            client.cancel(id);
            assert_eq!(client.error(id), (-32800, "CLR-CANCELLED".into()));
        }
        drop(held);
        assert_eq!(client.call("audit/verify", json!({}))["whole"], true);
        assert_eq!(client.call("changes/diff", json!({ "session": session }))["changes"], json!([]));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn whoever_cancels_hears_of_the_end_even_where_the_answer_was_to_come_earlier() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let (session, answer) = (0..10).find_map(|_| cancelled_before_it_yields(&mut client, &site)).unwrap();
        assert_eq!(code_of(&answer), (-32800, "CLR-CANCELLED".into()));
        assert_eq!(client.exec(&session, &["sh", "-c", MARKED])["exitCode"], 1, "something is left");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

/// A new session and the answer of its command, whose answer was to come before it had to be gone; nothing where that
/// had come by then.
fn cancelled_before_it_yields(client: &mut Client, site: &Site) -> Option<(String, Value)> {
    let session = client.session(site);
    let id = client.start(&session, &["sh", "-c", STUBBORN], json!({ "yieldMs": 1500 }));
    while client.note_of("exec/output")["text"] != "up\n" {}
    client.cancel(id);
    let answer = client.answer(&json!(id));
    if answer.get("error").is_some() {
        return Some((session, answer));
    }
    client.call("session/destroy", json!({ "session": session }));
    None
}

#[test]
fn what_a_command_left_is_gone_too_where_that_is_answered_as_cancelled() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        // What it leaves holds its output open, so that its end is told a little later.
        let leaves = "sh -c 'while :; do sleep 0.1; done' mark & echo up";
        for _ in 0..10 {
            let id = client.start(&session, &["sh", "-c", leaves], json!({}));
            while client.note_of("exec/output")["text"] != "up\n" {}
            std::thread::sleep(std::time::Duration::from_millis(10));
            client.cancel(id);
            if client.answer(&json!(id)).get("error").is_some() {
                assert_eq!(client.exec(&session, &["sh", "-c", MARKED])["exitCode"], 1, "something is left");
            } else {
                client.exec(&session, &["pkill", "-f", "mark"]);
            }
            client.notes();
        }
        client.call("session/destroy", json!({ "session": session }));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
