//! What a server says has the form that the binary says it has.

use std::collections::BTreeSet;

use clearing_tests::{Client, Site, assert_nothing_left, for_each_caller};
use serde_json::{Value, json};

use crate::readme::{check, schema};

const PATCH: &str = "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-one\n+two\n";

/// A client that knows the form of all that it hears.
struct Knowing {
    client: Client,
    document: Value,
    asked: BTreeSet<String>,
}

impl Knowing {
    fn call(&mut self, method: &str, params: Value) -> Value {
        let form = self.document["methods"][method].clone();
        check(&params, &form["params"], &self.document, method).unwrap();
        let result = self.client.call(method, params);
        check(&result, &form["result"], &self.document, method).unwrap();
        self.asked.insert(method.to_owned());
        result
    }

    /// The same, in the session `s`.
    fn on(&mut self, method: &str, mut params: Value) -> Value {
        params["session"] = "s".into();
        self.call(method, params)
    }

    fn refused(&mut self, method: &str, params: Value) {
        let id = self.client.ask(method, params);
        let answer = self.client.answer(&json!(id));
        check(&answer["error"], &self.document["error"], &self.document, method).unwrap();
    }
}

#[test]
fn every_result_error_and_notification_has_its_form() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("a", "one\n");
        let (client, document) = (site.serve_silent([] as [&str; 0]), schema(&site));
        let mut knowing = Knowing { client, document, asked: BTreeSet::new() };
        knowing.client.listen();
        knowing.call("initialize", json!({ "client": { "name": "proof" } }));
        knowing.call("health", json!({}));
        knowing.call(
            "session/create",
            json!({ "workspace": site.project(), "name": "s", "labels": { "a": "b" } }),
        );
        commands(&mut knowing);
        files(&mut knowing);
        history(&mut knowing);
        knowing.call("audit/verify", json!({}));
        knowing.on("session/destroy", json!({}));
        let methods = knowing.document["methods"].as_object().unwrap();
        let unasked: Vec<_> = methods.keys().filter(|method| !knowing.asked.contains(*method)).collect();
        assert!(unasked.is_empty(), "{unasked:?}");
        let notes = knowing.client.notes();
        for note in &notes {
            let method = note["method"].as_str().unwrap();
            let form = &knowing.document["notifications"][method]["params"];
            assert!(form.is_object(), "{note}");
            check(&note["params"], form, &knowing.document, method).unwrap();
        }
        let told: BTreeSet<_> = notes.iter().filter_map(|note| note["method"].as_str()).collect();
        assert!(
            told.is_superset(&BTreeSet::from(["exec/exited", "exec/output", "exec/started"])),
            "{told:?}"
        );
        assert_eq!(knowing.client.finish(), 0);
        assert_nothing_left(&site);
    });
}

fn commands(knowing: &mut Knowing) {
    // Close to a limit for as long as it takes to be seen.
    let close = json!({ "argv": ["sh", "-c", "yes | head -c 9500; exec sleep 1000"], "exec": "close",
                        "limits": { "output": 10_000 }, "yieldMs": 1 });
    knowing.on("exec/start", close);
    let alert = knowing.client.note_of("alert");
    check(&alert, &knowing.document["notifications"]["alert"]["params"], &knowing.document, "alert").unwrap();
    knowing.on("exec/signal", json!({ "exec": "close", "signal": "KILL" }));
    knowing.on("exec/wait", json!({ "exec": "close" }));
    knowing.on("exec/start", json!({ "argv": ["sh", "-c", "echo text; printf '\\377' >&2; exit 3"] }));
    knowing.on("exec/start", json!({ "lang": "bash", "code": "kill -9 $$" }));
    knowing.on("exec/start", json!({ "argv": ["sh", "-c", "yes"], "limits": { "output": 10_000 } }));
    knowing.on("exec/start", json!({ "argv": ["rm", "-rf", "/"] }));
    let held = json!({ "argv": ["cat"], "exec": "cat", "stdin": "open", "yieldMs": 1 });
    knowing.on("exec/start", held);
    knowing.on("exec/write", json!({ "exec": "cat", "text": "in\n" }));
    knowing.on("exec/read", json!({ "exec": "cat", "waitMs": 10_000 }));
    knowing.on("exec/closeStdin", json!({ "exec": "cat" }));
    knowing.on("exec/wait", json!({ "exec": "cat" }));
    let terminal = json!({ "argv": ["sleep", "1000"], "exec": "t", "terminal": { "rows": 24, "columns": 80 }, "yieldMs": 1 });
    knowing.on("exec/start", terminal);
    knowing.on("exec/resize", json!({ "exec": "t", "rows": 30, "columns": 90 }));
    knowing.on("session/get", json!({}));
    knowing.on("exec/signal", json!({ "exec": "t", "signal": "KILL" }));
    knowing.on("exec/wait", json!({ "exec": "t" }));
    knowing.on("policy/check", json!({ "argv": ["curl", "example.org"] }));
    knowing.on("stats/get", json!({}));
    knowing.refused("exec/wait", json!({ "session": "s", "exec": "nobody" }));
    knowing.refused("exec/start", json!({ "session": "s", "argv": [7] }));
    knowing.refused("no/such", json!({}));
}

fn files(knowing: &mut Knowing) {
    knowing.on("fs/mkdir", json!({ "path": "d" }));
    knowing.on("fs/write", json!({ "path": "d/new", "text": "one\n" }));
    knowing.on("fs/edit", json!({ "path": "d/new", "edits": [{ "old": "one", "new": "two" }] }));
    knowing.on("fs/move", json!({ "from": "d/new", "to": "d/old" }));
    knowing.on("fs/read", json!({ "path": "d/old" }));
    knowing.on("fs/stat", json!({ "path": "d" }));
    knowing.on("fs/list", json!({ "depth": 2 }));
    knowing.on("fs/remove", json!({ "path": "d/old" }));
    knowing.refused("fs/read", json!({ "session": "s", "path": "../.." }));
}

fn history(knowing: &mut Knowing) {
    knowing.on("snapshot/create", json!({ "label": "one" }));
    knowing.on("patch/check", json!({ "text": PATCH }));
    knowing.on("patch/apply", json!({ "text": PATCH }));
    knowing.on("snapshot/list", json!({}));
    knowing.on("changes/diff", json!({ "patch": true }));
    knowing.on("changes/commit", json!({ "dryRun": true }));
    knowing.on("session/fork", json!({ "name": "fork" }));
    knowing.call("session/list", json!({}));
    knowing.on("snapshot/rollback", json!({ "snapshot": "one" }));
    knowing.on("session/refresh", json!({}));
    knowing.on("changes/discard", json!({}));
}
