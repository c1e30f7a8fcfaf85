//! Files, patches, snapshots, and what lands.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use serde_json::json;

use crate::Mcp;
use crate::driver::text;

const PATCH: &str = "--- a/note.txt\n+++ b/note.txt\n@@ -1 +1 @@\n-of the project\n+patched\n";

#[test]
fn what_tools_change_is_in_the_session_until_it_lands() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("note.txt", "of the project\n");
        let mut mcp = Mcp::begin(&site, &["--commit", "allow"]);
        assert_eq!(mcp.call("read_file", json!({ "path": "note.txt" }))["text"], "of the project\n");
        assert_eq!(mcp.call("write_file", json!({ "path": "a/b", "text": "new\n" }))["created"], true);
        assert_eq!(mcp.call("patch", json!({ "text": PATCH, "check": true }))["applied"], false);
        assert_eq!(mcp.call("patch", json!({ "text": PATCH }))["applied"], true);
        let again = mcp.refused("patch", json!({ "text": PATCH }));
        assert!(again.contains("CLR-PATCH-MISMATCH"), "{again}");
        let snapshot = mcp.answer("snapshot", json!({ "label": "good" }));
        assert_eq!(snapshot["structuredContent"]["snapshot"], "good");
        assert!(text(&snapshot).ends_with("good"), "{snapshot}");
        mcp.shell("rm -r a; echo bad > bad");
        assert!(mcp.call("rollback", json!({ "snapshot": "good" }))["backup"].is_string());
        let diff = mcp.answer("diff", json!({}));
        assert_eq!(diff["structuredContent"]["changes"].as_array().unwrap().len(), 2);
        assert!(text(&diff).contains("\n-of the project\n+patched"), "{diff}");
        let summary = mcp.answer("diff", json!({ "summary": true }));
        assert_eq!(text(&summary), "added a/b (+1 -0)\nmodified note.txt (+1 -1)");
        assert_eq!(mcp.call("commit", json!({ "dryRun": true }))["landed"], false);
        assert!(!site.project().join("a").exists());
        assert_eq!(mcp.call("commit", json!({}))["landed"], true);
        assert_eq!(std::fs::read_to_string(site.project().join("a/b")).unwrap(), "new\n");
        assert_eq!(std::fs::read_to_string(site.project().join("note.txt")).unwrap(), "patched\n");
        assert!(!site.project().join("bad").exists());
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn nothing_lands_unless_the_user_lets_a_model_do_that() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let before = site.project_tree();
        let mut mcp = Mcp::begin(&site, &[]);
        let tools = mcp.ask("tools/list", json!({}));
        let commit = tools["tools"].as_array().unwrap().iter().find(|tool| tool["name"] == "commit").unwrap();
        assert_eq!(commit["annotations"]["readOnlyHint"], true);
        mcp.shell("echo new > new");
        assert_eq!(mcp.call("commit", json!({ "dryRun": true }))["lands"][0]["path"], "new");
        let exec = mcp.call("exec_start", json!({ "argv": ["sleep", "1000"] }))["exec"].clone();
        let no = mcp.refused("commit", json!({ "dryRun": true, "processes": "stop" }));
        assert!(no.contains("`dryRun`"), "{no}");
        assert_eq!(mcp.call("exec_poll", json!({ "exec": exec, "waitMs": 0 }))["state"], "running");
        let no = mcp.refused("commit", json!({}));
        assert!(no.contains("CLR-COMMIT-USER") && no.contains("`clearing commit s-"), "{no}");
        site.project_tree().expect_same_as(&before);
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_model_lands_no_settings_that_run_by_themselves() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &["--commit", "allow"]);
        mcp.shell("mkdir .vscode; echo '{}' > .vscode/tasks.json; echo x > plain");
        let landed = mcp.answer("commit", json!({}));
        assert!(text(&landed).contains("what is withheld only the user can land"), "{landed}");
        assert!(site.project().join("plain").exists());
        assert!(!site.project().join(".vscode/tasks.json").exists());
        let no = mcp.refused("commit", json!({ "allow": [".vscode"] }));
        assert!(no.contains("`allow`"), "{no}");
        let no = mcp.refused("patch", json!({ "text": PATCH, "allow": [".vscode"] }));
        assert!(no.contains("`allow`"), "{no}");
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_diff_is_as_long_as_was_asked_for_whatever_its_bytes() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &["--discard"]);
        // A line of Latin-1 among others.
        mcp.shell("i=0; while [ $i -lt 5000 ]; do printf 'gr\\374n\\n'; i=$((i + 1)); done > latin");
        let diff = mcp.answer("diff", json!({ "maxBytes": 1000 }));
        let told = &diff["structuredContent"];
        assert_eq!(told["truncated"], true, "{told}");
        let bytes = told["bytes"].as_str().unwrap();
        assert!(bytes.len() > 500 && bytes.len() <= 1336, "{} characters", bytes.len());
        assert!(text(&diff).contains("no UTF-8") && text(&diff).contains("cut here"), "{diff}");
        mcp.shell("yes line | head -n 5000 > latin");
        let diff = mcp.call("diff", json!({ "maxBytes": 1000 }));
        let patch = diff["text"].as_str().unwrap();
        assert!(patch.len() <= 1000 && patch.ends_with("+line\n") && diff["truncated"] == true, "{diff}");
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}
