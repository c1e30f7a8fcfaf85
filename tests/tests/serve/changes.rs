//! What a session changed: told while commands run, landed when none does.

use std::thread::sleep;
use std::time::{Duration, Instant};

use clearing_tests::{DEADLINE, Site, assert_nothing_left, for_each_caller, patience};
use nix::sys::signal::{Signal, kill};
use serde_json::json;

use crate::ending::{descendants, is_init};

#[test]
fn a_diff_is_told_while_something_runs_and_a_commit_waits_for_nobody() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("kept", "kept\n");
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        client.exec(&session, &["sh", "-c", "echo new > new; rm kept"]);
        let running = client.running(&session, &["sleep", "1000"], json!({}));
        let diff = client.call("changes/diff", json!({ "session": session, "patch": true }));
        let told: Vec<_> = diff["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|change| (change["status"].as_str().unwrap(), change["path"].as_str().unwrap()))
            .collect();
        assert_eq!(told, [("deleted", "kept"), ("added", "new")]);
        assert!(diff["text"].as_str().unwrap().contains("+new"), "{diff}");
        let only = client.call("changes/diff", json!({ "session": session, "paths": ["new"] }));
        assert_eq!(only["changes"].as_array().unwrap().len(), 1);
        assert_eq!(client.refused("changes/commit", json!({ "session": session })).1, "CLR-BUSY");
        assert_eq!(client.refused("changes/discard", json!({ "session": session })).1, "CLR-BUSY");
        let dry = json!({ "session": session, "dryRun": true, "processes": "stop" });
        assert_eq!(client.call("changes/commit", dry)["landed"], false);
        assert_eq!(client.result(running)["outcome"]["cause"], "cancelled");
        let landed = client.call("changes/commit", json!({ "session": session }));
        assert_eq!(landed["landed"], true, "{landed}");
        assert_eq!(std::fs::read_to_string(site.project().join("new")).unwrap(), "new\n");
        assert!(!site.project().join("kept").exists());
        // It goes on, over the project as it is now.
        std::fs::write(site.project().join("from-outside"), "outside\n").unwrap();
        client.notes();
        client.exec(&session, &["sh", "-c", "cat new from-outside; echo more > more"]);
        assert_eq!(client.said("stdout"), "new\noutside\n");
        let discarded = client.call("changes/discard", json!({ "session": session }));
        assert!(discarded["backup"].is_string(), "{discarded}");
        assert_eq!(client.exec(&session, &["test", "-e", "more"])["exitCode"], 1);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn what_has_landed_is_told_whether_the_session_can_show_it_or_not() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        client.exec(&session, &["sh", "-c", "echo new > new"]);
        let until = Instant::now() + patience(DEADLINE);
        while !site.clearing(["inspect", &session]).output().stdout.contains("state      idle") {
            assert!(Instant::now() < until, "it is not written down that nothing runs");
            sleep(Duration::from_millis(10));
        }
        let init = descendants(client.pid()).into_iter().find(|pid| is_init(*pid)).unwrap();
        kill(init, Signal::SIGSTOP).unwrap();
        let asked = client.ask("changes/commit", json!({ "session": session }));
        while !site.project().join("new").exists() {
            assert!(Instant::now() < until, "nothing has landed");
            sleep(Duration::from_millis(1));
        }
        sleep(Duration::from_millis(200));
        kill(init, Signal::SIGKILL).unwrap();
        let landed = client.result(asked);
        assert_eq!(
            (&landed["landed"], &landed["lands"][0]["path"]),
            (&json!(true), &json!("new")),
            "{landed}"
        );
        assert!(landed["notes"][0].as_str().unwrap().contains("session/refresh"), "{landed}");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
