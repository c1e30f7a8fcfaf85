//! Whoever has a session hears what others make of it.

use clearing_tests::{Client, Site, assert_nothing_left, for_each_caller};
use serde_json::{Value, json};

fn changed(client: &mut Client) -> Value {
    client.note_of("session/changed")
}

#[test]
fn whoever_made_a_session_hears_what_others_make_of_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("a", "one\n");
        let mut client = site.serve([] as [&str; 0]);
        client.call("session/create", json!({ "workspace": site.project(), "name": "mine" }));
        client.exec("mine", &["sh", "-c", "echo two > a"]);
        // What it asks for itself it hears by the answer alone.
        client.call("snapshot/create", json!({ "session": "mine", "label": "own" }));
        client.call("session/refresh", json!({ "session": "mine" }));
        let own = client.notes();
        assert!(own.iter().all(|note| note["method"] != "session/changed"), "{own:?}");
        site.clearing(["snapshot", "mine", "theirs"]).output().expect_code(0);
        let told = changed(&mut client);
        assert_eq!((&told["what"], &told["snapshot"]), (&json!("snapshot"), &json!("theirs")));
        site.clearing(["rollback", "mine", "own"]).output().expect_code(0);
        let told = changed(&mut client);
        assert_eq!((&told["what"], &told["snapshot"]), (&json!("rolledBack"), &json!("own")));
        site.clearing(["commit", "mine", "--yes"]).output().expect_code(0);
        assert_eq!(changed(&mut client)["what"], "committed");
        site.clearing(["discard", "mine", "--yes"]).output().expect_code(0);
        assert_eq!(changed(&mut client)["what"], "discarded");
        let patch = "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-two\n+three\n";
        site.clearing(["patch", "apply", "mine", "-"]).stdin(patch).output().expect_code(0);
        assert_eq!(changed(&mut client)["what"], "patched");
        site.clearing(["rm", "mine", "--yes"]).output().expect_code(0);
        let told = changed(&mut client);
        assert_eq!((&told["what"], &told["why"]), (&json!("ended"), &json!("destroyed")));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn the_end_of_a_session_that_nobody_asked_for_is_told_with_its_reason() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        for (bound, why) in [("idleMs", "idle"), ("lifetimeMs", "lifetime")] {
            let made = client.call("session/create", json!({ "workspace": site.project(), bound: 200 }));
            let told = changed(&mut client);
            assert_eq!(
                (&told["session"], &told["what"], &told["why"]),
                (&made["session"], &json!("ended"), &json!(why))
            );
        }
        let made = client.session(&site);
        client.call("session/destroy", json!({ "session": made }));
        assert!(client.notes().is_empty(), "it was asked for by the one that would hear of it");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
