//! What a command reads: as much as it takes, and nobody else waits for that.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use serde_json::json;

#[test]
fn input_comes_whole_and_its_end_after_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let id = client.start(&session, &["cksum"], json!({ "exec": "c", "stdin": "open" }));
        let on = json!({ "session": session, "exec": "c" });
        let piece = "0123456789abcdef".repeat(60_000);
        for _ in 0..5 {
            client.call("exec/write", json!({ "session": session, "exec": "c", "text": piece }));
        }
        client.call("exec/write", json!({ "session": session, "exec": "c", "bytes": "/w==" }));
        client.call("exec/closeStdin", on.clone());
        assert_eq!(client.result(id)["exitCode"], 0);
        assert_eq!(client.said("stdout").split(' ').nth(1).unwrap().trim(), "4800001");
        assert_eq!(
            client.refused("exec/write", json!({ "session": session, "exec": "c", "text": "x" })).1,
            "CLR-STDIN-CLOSED"
        );
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn the_end_comes_after_what_nobody_has_read_yet() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let script = ["sh", "-c", "while test ! -e go; do sleep 0.01; done; wc -c"];
        let id = client.start(&session, &script, json!({ "exec": "c", "stdin": "open" }));
        let piece = json!({ "session": session, "exec": "c", "text": "x".repeat(1 << 20) });
        let asked: Vec<i64> = (0..3).map(|_| client.ask("exec/write", piece.clone())).collect();
        let end = client.ask("exec/closeStdin", json!({ "session": session, "exec": "c" }));
        client.call("fs/write", json!({ "session": session, "path": "go", "text": "" }));
        asked.into_iter().chain([end]).for_each(|asked| drop(client.result(asked)));
        assert_eq!(client.result(id)["exitCode"], 0);
        assert_eq!(client.said("stdout").trim(), (3 << 20).to_string());
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_command_that_does_not_read_holds_up_nobody() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        client.start(&session, &["sleep", "1000"], json!({ "exec": "s", "stdin": "open", "yieldMs": 0 }));
        let piece = json!({ "session": session, "exec": "s", "text": "x".repeat(10 << 20) });
        let writes: Vec<i64> = (0..4).map(|_| client.ask("exec/write", piece.clone())).collect();
        assert_eq!(client.error(writes[3]), (-32000, "CLR-STDIN-FULL".into()));
        assert_eq!(client.exec(&session, &["true"])["exitCode"], 0);
        client.call("exec/signal", json!({ "session": session, "exec": "s", "signal": "KILL" }));
        for id in &writes[..3] {
            assert_eq!(client.error(*id).1, "CLR-STDIN-CLOSED");
        }
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn what_was_to_be_read_can_be_taken_back_until_it_is_read() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        // A pipe takes 64 KiB.
        let script = "while ! test -e go; do sleep 0.01; done; wc -c";
        let counting = client.start(&session, &["sh", "-c", script], json!({ "exec": "c", "stdin": "open" }));
        let on = |text: &str| json!({ "session": session, "exec": "c", "text": text });
        client.call("exec/write", on(&"x".repeat(64 << 10)));
        let waiting = client.ask("exec/write", on(&"y".repeat(1 << 20)));
        let close = client.ask("exec/closeStdin", json!({ "session": session, "exec": "c" }));
        client.cancel(waiting);
        assert_eq!(client.error(waiting).1, "CLR-CANCELLED");
        client.call("fs/write", json!({ "session": session, "path": "go", "text": "" }));
        client.result(close);
        assert_eq!(client.result(counting)["exitCode"], 0);
        assert_eq!(client.said("stdout").trim(), (64 << 10).to_string());
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_command_without_input_reads_its_end() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        assert_eq!(client.exec(&session, &["cat"])["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
