//! Sessions in a server and on disk are the same ones.

use std::thread::sleep;
use std::time::{Duration, Instant};

use clearing_tests::{DEADLINE, Site, assert_nothing_left, for_each_caller, patience};
use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};

use crate::ending::{descendants, is_init};

#[test]
fn a_session_of_the_command_line_is_taken_and_given_back() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.clearing(["create", "--name", "fix"]).output().expect_code(0);
        site.clearing(["exec", "fix", "--", "sh", "-c", "echo one > a"]).output().expect_code(0);
        let mut client = site.serve([] as [&str; 0]);
        let taken = client.call("session/create", json!({ "session": "fix", "labels": { "task": "42" } }));
        let id = taken["session"].as_str().unwrap().to_owned();
        assert_eq!(taken["name"], "fix");
        let again = client.call("session/create", json!({ "session": id }));
        assert_eq!(again["session"], taken["session"]);
        // What makes no sense makes none of a session that is held, either.
        for more in
            [json!({ "workspace": site.project() }), json!({ "name": "x" }), json!({ "profile": "default" })]
        {
            let mut params = json!({ "session": id });
            params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            assert_eq!(client.refused("session/create", params).1, "CLR-PARAMS", "{more}");
        }
        assert_eq!(client.exec("fix", &["grep", "-q", "one", "a"])["exitCode"], 0);
        let told = client.call("session/get", json!({ "session": "fix" }));
        assert_eq!((&told["live"], &told["labels"]["task"]), (&json!(true), &json!("42")));
        let listed = client.call("session/list", json!({ "labels": { "task": "42" } }));
        assert_eq!(listed["sessions"].as_array().unwrap().len(), 1);
        let none = client.call("session/list", json!({ "labels": { "task": "43" } }));
        assert_eq!(none["sessions"], json!([]));
        let fork = client.call("session/fork", json!({ "session": "fix", "name": "other" }));
        let stats = client.call("stats/get", json!({ "session": "fix" }));
        assert!(stats["inodes"].as_u64() > Some(0), "{stats}");
        client.exec("fix", &["rm", "a"]);
        let fork = client.call("session/create", json!({ "session": fork["session"] }));
        let fork = fork["session"].as_str().unwrap().to_owned();
        assert_eq!(client.exec(&fork, &["grep", "-q", "one", "a"])["exitCode"], 0);
        assert_eq!(client.call("session/destroy", json!({ "session": "other" }))["kept"], false);
        assert_eq!(client.call("session/destroy", json!({ "session": "fix", "keep": true }))["kept"], true);
        assert_eq!(
            client.refused("exec/wait", json!({ "session": "fix", "exec": "x" })).1,
            "CLR-SESSION-NOT-HELD"
        );
        site.clearing(["exec", "fix", "--", "test", "-e", "a"]).output().expect_code(1);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_session_that_nobody_uses_is_given_up_and_stays_on_disk() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        client.call("session/create", json!({ "workspace": site.project(), "name": "idle" }));
        let ran = client.start("idle", &["sh", "-c", "echo kept > a; sleep 1"], json!({}));
        client.call("session/create", json!({ "session": "idle", "idleMs": 300 }));
        assert_eq!(client.result(ran)["outcome"]["cause"], "exit");
        let held = |client: &mut clearing_tests::Client| {
            client.call("health", json!({}))["sessions"].as_u64().unwrap()
        };
        while held(&mut client) > 0 {}
        site.clearing(["exec", "idle", "--", "grep", "-q", "kept", "a"]).output().expect_code(0);
        client.call("session/create", json!({ "session": "idle" }));
        let ran = client.start("idle", &["sleep", "1000"], json!({}));
        client.call("session/create", json!({ "session": "idle", "lifetimeMs": 500 }));
        assert_eq!(client.result(ran)["outcome"]["cause"], "cancelled");
        while held(&mut client) > 0 {}
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn whoever_wants_a_session_that_is_being_given_up_gets_it_then() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        client.call("session/create", json!({ "workspace": site.project(), "name": "mine", "idleMs": 300 }));
        let init = descendants(client.pid()).into_iter().find(|pid| is_init(*pid)).unwrap();
        // Whose end takes long.
        kill(init, Signal::SIGSTOP).unwrap();
        while client.call("health", json!({}))["sessions"] != 0 {}
        let again = client.ask("session/create", json!({ "session": "mine" }));
        let other = site.clearing(["inspect", "mine"]).output();
        other.expect_code(0).expect_stdout("`clearing serve` of process");
        sleep(Duration::from_millis(600));
        assert_eq!(client.answered(again), None);
        kill(init, Signal::SIGCONT).unwrap();
        client.result(again);
        assert_eq!(client.exec("mine", &["true"])["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn what_the_session_shows_of_the_project_is_the_project_of_now() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("a", "one\n");
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        client.exec(&session, &["cat", "a"]);
        site.write("b", "two\n");
        std::fs::rename(site.project().join("b"), site.project().join("a")).unwrap();
        client.notes();
        client.exec(&session, &["cat", "a"]);
        assert_eq!(client.said("stdout"), "two\n");
        client.running(&session, &["sleep", "1000"], json!({ "yieldMs": 0 }));
        assert_eq!(client.refused("session/refresh", json!({ "session": session })).1, "CLR-BUSY");
        client.call("session/refresh", json!({ "session": session, "processes": "stop" }));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn what_cannot_be_counted_of_a_session_is_told_to_be_uncounted() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        client.exec(&session, &["sh", "-c", "echo a > a"]);
        client.call("session/destroy", json!({ "session": session, "keep": true }));
        let listed = |client: &mut clearing_tests::Client| {
            let listed = client.call("session/list", json!({}));
            let one = &listed["sessions"][0];
            (one["inodes"].as_u64().unwrap() > 0, one["uncounted"].clone())
        };
        assert_eq!(listed(&mut client), (true, Value::Null));
        let (layers, aside) = (site.state().join("layers"), site.state().join("aside"));
        std::fs::rename(&layers, &aside).unwrap();
        std::fs::create_dir(&layers).unwrap();
        assert_eq!(listed(&mut client), (false, json!(true)));
        std::fs::remove_dir(&layers).unwrap();
        std::fs::rename(&aside, &layers).unwrap();
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn who_takes_a_session_that_is_held_has_what_was_asked_for() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let made =
            json!({ "workspace": site.project(), "name": "held", "labels": { "task": "42", "by": "me" } });
        client.call("session/create", made);
        let taken = client.call("session/create", json!({ "session": "held" }));
        assert_eq!(taken["labels"], json!({ "task": "42", "by": "me" }));
        let taken = client.call("session/create", json!({ "session": "held", "labels": { "task": "43" } }));
        assert_eq!(taken["labels"], json!({ "task": "43" }));
        assert_eq!(client.call("session/get", json!({ "session": "held" }))["labels"], taken["labels"]);
        let listed = |client: &mut clearing_tests::Client, task: &str| {
            let listed = client.call("session/list", json!({ "labels": { "task": task } }));
            listed["sessions"].as_array().unwrap().len()
        };
        assert_eq!((listed(&mut client, "42"), listed(&mut client, "43")), (0, 1));
        for bound in ["idleMs", "lifetimeMs"] {
            client.call("session/create", json!({ "session": "held", bound: 300 }));
            let end = Instant::now() + patience(DEADLINE);
            while client.call("health", json!({}))["sessions"] != 0 {
                assert!(Instant::now() < end, "`{bound}` was ignored");
                sleep(Duration::from_millis(5));
            }
            client.call("session/create", json!({ "session": "held" }));
        }
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn nothing_is_ended_for_a_snapshot_that_there_is_none_of() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        client.call("session/create", json!({ "workspace": site.project(), "name": "taken" }));
        let id = client.running(&session, &["sleep", "60"], json!({ "exec": "s" }));
        for (method, named) in [("session/fork", "from"), ("snapshot/rollback", "snapshot")] {
            let asked = json!({ "session": session, named: "nothing", "processes": "stop" });
            assert_eq!(client.refused(method, asked).1, "CLR-UNKNOWN", "{method}");
        }
        let names = [
            ("snapshot/create", "label", "initial"),
            ("snapshot/create", "label", "a/b"),
            ("session/fork", "name", "taken"),
        ];
        for (method, named, name) in names {
            let asked = json!({ "session": session, named: name, "processes": "stop" });
            assert_eq!(client.refused(method, asked).1, "CLR-NAME", "{method} {name}");
        }
        client.call("exec/signal", json!({ "session": session, "exec": "s", "signal": "SIGTERM" }));
        assert_eq!(client.result(id)["outcome"]["signal"], 15);
        assert_eq!(client.finish(), 0);
    });
}
