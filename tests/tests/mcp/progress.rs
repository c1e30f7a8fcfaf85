//! A call that takes long: its caller hears how far it is, and can give it up.

use std::time::Duration;

use clearing_tests::{Site, assert_nothing_left, for_each_caller, patience};
use serde_json::{Value, json};

use crate::Mcp;

#[test]
fn who_asks_for_progress_hears_what_the_command_says_while_it_runs() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &["--discard"]);
        let script = "echo one; until test -e a; do sleep 0.05; done; \
                      echo two; until test -e b; do sleep 0.05; done; echo three";
        let id = mcp.client.ask(
            "tools/call",
            json!({ "name": "run", "arguments": { "shell": script }, "_meta": { "progressToken": "p" } }),
        );
        let mut told: Vec<Value> = Vec::new();
        // Of a command that says nothing it is told that it runs.
        for (message, then) in [("one", Some("a")), ("two", None), ("running for ", Some("b"))] {
            while !told.last().is_some_and(|it| it["message"].as_str().unwrap().starts_with(message)) {
                told.push(mcp.client.note_of("notifications/progress"));
            }
            then.into_iter()
                .for_each(|gate| drop(mcp.call("write_file", json!({ "path": gate, "text": "" }))));
        }
        assert!(told.iter().all(|it| it["progressToken"] == "p"), "{told:?}");
        let far: Vec<f64> = told.iter().map(|it| it["progress"].as_f64().unwrap()).collect();
        assert!(far.is_sorted_by(|a, b| a < b), "{far:?}");
        assert_eq!(mcp.client.result(id)["structuredContent"]["stdout"], "one\ntwo\nthree\n");
        // Who did not ask hears nothing.
        mcp.client.notes();
        mcp.shell("echo x; sleep 0.5");
        assert_eq!(mcp.client.notes(), [] as [Value; 0]);
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_cancelled_call_ends_its_processes_and_no_others() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &["--discard"]);
        let other = mcp.call("exec_start", json!({ "argv": ["sleep", "1000"] }))["exec"].clone();
        // No command sees another one's processes; all see whether a file is locked, which both of these hold.
        let line = "exec 9> lock; flock 9; sleep 777 & echo begun > mark; exec sleep 777";
        let is_held = |mcp: &mut Mcp| mcp.shell("flock --nonblock lock true")["exitCode"] == 1;
        let id = mcp.start("run", json!({ "shell": line }));
        while mcp.refused_or("read_file", json!({ "path": "mark" })) {}
        assert!(is_held(&mut mcp));
        mcp.notify("notifications/cancelled", json!({ "requestId": id, "reason": "enough" }));
        let end = std::time::Instant::now() + patience(Duration::from_secs(10));
        while is_held(&mut mcp) {
            assert!(std::time::Instant::now() < end, "it is not ended");
        }
        assert_eq!(mcp.call("exec_poll", json!({ "exec": other, "waitMs": 0 }))["state"], "running");
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}

impl Mcp {
    /// Whether a tool did nothing.
    fn refused_or(&mut self, tool: &str, arguments: Value) -> bool {
        self.answer(tool, arguments)["isError"] == true
    }
}
