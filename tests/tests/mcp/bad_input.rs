//! What makes no sense is answered as MCP has it, and the server lives on.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use serde_json::{Value, json};

use crate::Mcp;
use crate::driver::hello;

#[track_caller]
fn expect_unharmed(mut mcp: Mcp, site: &Site) {
    assert_eq!(mcp.shell("echo alive")["stdout"], "alive\n");
    assert_eq!(mcp.finish(), 0);
    assert_nothing_left(site);
}

#[test]
fn lines_that_are_no_messages_have_an_answer_each() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &["--discard"]);
        for (line, code) in [
            (&b"{"[..], -32700),
            (b"\xff\xfe{}", -32700),
            (b"[]", -32600),
            (b"7", -32600),
            (br#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600),
        ] {
            mcp.client.send(line);
            assert_eq!(mcp.client.answer(&Value::Null)["error"]["code"], code, "{line:?}");
        }
        mcp.client.send(br#"{"id":"x","method":"ping"}"#);
        assert_eq!(mcp.client.answer(&json!("x"))["error"]["code"], -32600);
        mcp.client.send(br#"{"jsonrpc":"2.0","id":"y","method":"no/such"}"#);
        assert_eq!(mcp.client.answer(&json!("y"))["error"]["code"], -32601);
        mcp.client.send(b"");
        mcp.notify("notifications/no-such", json!({}));
        mcp.notify("notifications/cancelled", json!({ "requestId": 777 }));
        expect_unharmed(mcp, &site);
    });
}

#[test]
fn a_line_of_a_hundred_megabytes_is_skipped_and_told() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &["--discard"]);
        mcp.client.send(&vec![b'x'; 100 << 20]);
        assert_eq!(mcp.client.answer(&Value::Null)["error"]["code"], -32700);
        let most = crate::memory::most(&mcp.client);
        assert!(most < 60_000, "it was kept: {most} kB");
        expect_unharmed(mcp, &site);
    });
}

#[test]
fn what_comes_before_initialize_is_refused_and_the_conversation_begins_all_the_same() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin_rudely(&site, &["--discard"]);
        mcp.notify("notifications/initialized", json!({}));
        let early = mcp.start("run", json!({ "argv": ["true"] }));
        assert!(mcp.client.answer(&json!(early))["error"]["code"].is_i64());
        mcp.ask("initialize", hello());
        expect_unharmed(mcp, &site);
    });
}

#[test]
fn calls_that_make_no_sense_are_answered_with_what_is_wrong() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &["--discard"]);
        let id = mcp.start("no_such", json!({}));
        let no = mcp.client.answer(&json!(id));
        assert_eq!(no["error"]["code"], -32602);
        assert!(no["error"]["message"].as_str().unwrap().contains("exec_poll"), "{no}");
        for (tool, arguments, what) in wrong() {
            let no = mcp.refused(tool, arguments.clone());
            assert!(no.contains(what), "{tool} {arguments}: {no}");
        }
        for params in [json!({}), json!({ "name": 7 }), json!({ "name": "run", "arguments": [] })] {
            let id = mcp.client.ask("tools/call", params);
            assert!(mcp.client.answer(&json!(id))["error"]["code"].is_i64());
        }
        expect_unharmed(mcp, &site);
    });
}

/// A call, and what its answer has to name.
fn wrong() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("run", json!({}), "`argv`"),
        ("run", json!({ "argv": [] }), "`argv` is empty"),
        ("run", json!({ "argv": "true" }), "`argv`"),
        ("run", json!({ "argv": ["true"], "shell": "true" }), "`shell`"),
        ("run", json!({ "code": "x" }), "`lang`"),
        ("run", json!({ "code": "x", "lang": "cobol" }), "cobol"),
        ("run", json!({ "argv": ["true"], "yieldMs": -1 }), "`yieldMs`"),
        ("run", json!({ "argv": ["true"], "session": "s" }), "`session`"),
        ("run", json!({ "argv": ["tr\0ue"] }), "CLR-"),
        ("run", json!({ "argv": ["true"], "env": { "A=B": "c" } }), "A=B"),
        ("run", json!({ "argv": ["true"], "cwd": "/no/such" }), "/no/such"),
        ("exec_start", json!({ "argv": ["true"], "yieldMs": 5 }), "`yieldMs`"),
        ("exec_poll", json!({ "exec": "e999" }), "CLR-EXEC-UNKNOWN"),
        ("exec_input", json!({ "exec": "e999", "text": "x" }), "CLR-EXEC-UNKNOWN"),
        ("exec_input", json!({ "exec": "e999" }), "`text`"),
        ("read_file", json!({ "path": "../../../etc/passwd" }), "CLR-FILE-OUTSIDE"),
        ("read_file", json!({ "path": "/etc/passwd" }), "CLR-FILE-OUTSIDE"),
        ("read_file", json!({ "path": "missing" }), "CLR-FILE-MISSING"),
        ("read_file", json!({ "path": "x", "session": "s" }), "`session`"),
        ("read_file", json!({ "path": "x", "maxBytes": "many" }), "expected u64"),
        ("write_file", json!({ "path": "../x", "text": "y" }), "CLR-FILE-OUTSIDE"),
        ("write_file", json!({ "path": "x" }), "`text`"),
        ("diff", json!({ "from": "no-such" }), "no-such"),
        ("patch", json!({ "text": "no patch" }), "CLR-PATCH"),
        ("snapshot", json!({ "label": "a/b" }), "CLR-NAME"),
        ("rollback", json!({ "snapshot": "no-such" }), "CLR-UNKNOWN"),
        ("rollback", json!({}), "`snapshot`"),
        ("commit", json!({ "dryRun": "yes" }), "`dryRun`"),
        ("why", json!({ "exec": "a", "argv": ["b"] }), "one of"),
    ]
}

#[test]
fn more_calls_than_are_kept_in_mind_are_refused_and_the_others_answered() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &["--discard"]);
        mcp.shell("true");
        let gate = mcp.call("exec_start", json!({ "argv": ["sleep", "1000"] }))["exec"].clone();
        let waiting = json!({ "exec": gate, "waitMs": 600_000 });
        let ids: Vec<i64> = (0..1100).map(|_| mcp.start("exec_poll", waiting.clone())).collect();
        let refused = ids.iter().skip(1024).filter(|id| {
            let answer = mcp.client.result(**id);
            answer["isError"] == true && answer.to_string().contains("CLR-TOO-MANY")
        });
        assert_eq!(refused.count(), 76);
        for id in &ids[..1024] {
            mcp.notify("notifications/cancelled", json!({ "requestId": id }));
        }
        expect_unharmed(mcp, &site);
    });
}
