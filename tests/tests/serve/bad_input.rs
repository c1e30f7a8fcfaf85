//! What makes no sense is answered with an error that has a code, and the server and its sessions live on.

use clearing_tests::{Client, Site, assert_nothing_left, code_of, for_each_caller};
use serde_json::{Value, json};

/// A session that must not notice anything.
fn bystander(client: &mut Client, site: &Site) -> String {
    let session = client.session(site);
    client.start(&session, &["sh", "-c", "exec sleep 1000"], json!({ "exec": "by", "yieldMs": 0 }));
    session
}

#[track_caller]
fn expect_unharmed(mut client: Client, site: &Site, session: &str) {
    let waited = client.call("exec/wait", json!({ "session": session, "exec": "by", "waitMs": 0 }));
    assert_eq!(waited["state"], "running");
    assert_eq!(client.exec(session, &["true"])["exitCode"], 0);
    assert_eq!(client.call("session/destroy", json!({ "session": session }))["kept"], false);
    assert_eq!(client.finish(), 0);
    assert_nothing_left(site);
}

#[test]
fn lines_that_are_no_requests_have_an_answer_each() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = bystander(&mut client, &site);
        for (line, number, code) in [
            (&b"{"[..], -32700, "CLR-MALFORMED"),
            (b"\xff\xfe{}", -32700, "CLR-MALFORMED"),
            (b"[]", -32600, "CLR-INVALID"),
            (b"7", -32600, "CLR-INVALID"),
            (br#"{"jsonrpc":"2.0","id":null,"method":"health"}"#, -32600, "CLR-INVALID"),
            (br#"{"jsonrpc":"2.0","id":{},"method":"health"}"#, -32600, "CLR-INVALID"),
        ] {
            client.send(line);
            assert_eq!(code_of(&client.answer(&Value::Null)), (number, code.to_owned()), "{line:?}");
        }
        client.send(br#"{"jsonrpc":"2.0","id":"x","method":"health","params":[]}"#);
        assert_eq!(code_of(&client.answer(&json!("x"))).1, "CLR-INVALID");
        client.send(b"");
        expect_unharmed(client, &site, &session);
    });
}

#[test]
fn a_line_of_a_hundred_megabytes_is_skipped_and_told() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = bystander(&mut client, &site);
        let resident = resident(&client);
        client.send(&vec![b'x'; 100 << 20]);
        assert_eq!(code_of(&client.answer(&Value::Null)), (-32700, "CLR-LINE-TOO-LONG".into()));
        let now = self::resident(&client);
        assert!(now < resident + 40_000, "it was kept: {resident} kB, then {now} kB");
        expect_unharmed(client, &site, &session);
    });
}

/// What the server had in memory at its most, in kB.
pub(crate) fn resident(client: &Client) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", client.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// What is wrong, and how it is told.
fn wrong(session: &str) -> Vec<(&'static str, Value, i64, &'static str)> {
    let on = |more: Value| {
        let mut params = json!({ "session": session, "argv": ["true"] });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    vec![
        ("exec/begin", json!({}), -32601, "CLR-METHOD"),
        ("nothing", json!({}), -32601, "CLR-METHOD"),
        ("exec/start", on(json!({ "timeout": 7 })), -32602, "CLR-PARAMS"),
        ("exec/start", on(json!({ "yieldMs": "7" })), -32602, "CLR-PARAMS"),
        ("exec/start", on(json!({ "yieldMs": -7 })), -32602, "CLR-PARAMS"),
        ("exec/start", on(json!({ "argv": [] })), -32602, "CLR-PARAMS"),
        ("exec/start", on(json!({ "argv": ["a\u{0}b"] })), -32602, "CLR-REQUEST"),
        ("policy/check", on(json!({ "argv": ["a\u{0}b"] })), -32602, "CLR-REQUEST"),
        ("exec/start", on(json!({ "argv": [{ "bytes": "?" }] })), -32602, "CLR-PARAMS"),
        ("exec/start", on(json!({ "env": { "A=B": "c" } })), -32602, "CLR-PARAMS"),
        ("exec/start", on(json!({ "limits": { "mood": 7 } })), -32602, "CLR-PARAMS"),
        ("exec/start", on(json!({ "limits": { "memory": "much" } })), -32602, "CLR-PARAMS"),
        ("exec/start", on(json!({ "exec": "by" })), -32000, "CLR-EXEC-EXISTS"),
        ("exec/start", on(json!({ "session": "s-nobody" })), -32000, "CLR-SESSION-NOT-HELD"),
        ("exec/wait", json!({ "session": session, "exec": "no" }), -32000, "CLR-EXEC-UNKNOWN"),
        (
            "exec/resize",
            json!({ "session": session, "exec": "by", "rows": 1, "columns": 1 }),
            -32000,
            "CLR-NO-TERMINAL",
        ),
        ("exec/write", json!({ "session": session, "exec": "by", "text": "x" }), -32000, "CLR-STDIN-CLOSED"),
        ("exec/write", json!({ "session": session, "exec": "by" }), -32602, "CLR-PARAMS"),
        ("exec/signal", json!({ "session": session, "exec": "by", "signal": "HELLO" }), -32602, "CLR-PARAMS"),
        ("session/create", json!({}), -32602, "CLR-PARAMS"),
        ("session/create", json!({ "workspace": "." }), -32602, "CLR-PARAMS"),
        ("session/create", json!({ "workspace": "/", "profile": "./mine.toml" }), -32602, "CLR-PARAMS"),
        ("session/create", json!({ "workspace": "/", "profile": "/dev/stdin" }), -32602, "CLR-PARAMS"),
        ("session/create", json!({ "workspace": "/" }), -32000, "CLR-PROJECT"),
        ("session/create", json!({ "session": "nobody" }), -32000, "CLR-UNKNOWN"),
        ("session/get", json!({ "session": "nobody" }), -32000, "CLR-UNKNOWN"),
        (
            "snapshot/rollback",
            json!({ "session": session, "snapshot": "no", "processes": "maybe" }),
            -32602,
            "CLR-PARAMS",
        ),
        ("changes/diff", json!({ "session": session, "from": "nothing" }), -32000, "CLR-UNKNOWN"),
    ]
}

#[test]
fn what_is_asked_for_wrongly_is_refused_with_what_is_wrong() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = bystander(&mut client, &site);
        for (method, params, number, code) in wrong(&session) {
            assert_eq!(client.refused(method, params.clone()), (number, code.into()), "{method} {params}");
        }
        let id = client.ask("exec/start", json!({ "session": session, "argv": ["true"], "agv": 1 }));
        let answer = client.answer(&json!(id));
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains("`agv`") && message.contains("`argv`"), "{message}");
        expect_unharmed(client, &site, &session);
    });
}

#[test]
fn an_id_is_used_once_at_a_time_and_may_be_used_again() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = bystander(&mut client, &site);
        let wait = json!({ "jsonrpc": "2.0", "id": "w", "method": "exec/wait",
                           "params": { "session": session, "exec": "by", "waitMs": 300_000 } });
        client.send(wait.to_string().as_bytes());
        client.send(wait.to_string().as_bytes());
        let first = client.answer(&json!("w"));
        assert_eq!(code_of(&first), (-32600, "CLR-DUPLICATE-ID".into()));
        client.send(br#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"w"}}"#);
        assert_eq!(code_of(&client.answer(&json!("w"))), (-32800, "CLR-CANCELLED".into()));
        client.send(br#"{"jsonrpc":"2.0","id":"w","method":"health"}"#);
        assert_eq!(client.answer(&json!("w"))["result"]["state"], "ok");
        expect_unharmed(client, &site, &session);
    });
}

#[test]
fn before_initialize_nothing_else_is_answered_with_a_result() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve_silent([] as [&str; 0]);
        client.listen();
        let refused = client.refused("session/create", json!({ "workspace": site.project() }));
        assert_eq!(refused, (-32002, "CLR-NOT-INITIALIZED".into()));
        assert_eq!(client.refused("initialize", json!({ "protocol": 2 })), (-32602, "CLR-PARAMS".into()));
        assert_eq!(client.refused("health", json!({})).0, -32002);
        assert_eq!(client.call("initialize", json!({ "protocol": 1 }))["protocol"], 1);
        assert_eq!(client.refused("initialize", json!({})), (-32600, "CLR-INVALID".into()));
        let session = bystander(&mut client, &site);
        expect_unharmed(client, &site, &session);
    });
}
