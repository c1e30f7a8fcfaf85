//! Several commands at once, in one sandbox: each with its own output and end, all with the same processes.

use std::time::Instant;

use clearing_tests::{DEADLINE, Site, assert_nothing_left, for_each_caller, patience};
use serde_json::json;

#[test]
fn commands_run_at_once_and_what_one_leaves_running_lives_on() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let ids: Vec<i64> = (0..8)
            .map(|number| {
                let script =
                    format!("mkfifo f{number}; read -r line < f{number}; echo {number}; exit {number}");
                client.start(&session, &["sh", "-c", &script], json!({ "exec": format!("n{number}") }))
            })
            .collect();
        // Each waits for the next command.
        let open =
            "for n in 7 6 5 4 3 2 1 0; do while ! test -p f$n; do sleep 0.01; done; echo go > f$n; done";
        assert_eq!(client.exec(&session, &["sh", "-c", open])["exitCode"], 0);
        for (number, id) in ids.iter().enumerate() {
            assert_eq!(client.result(*id)["exitCode"], number);
        }
        let left = client.exec(&session, &["sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!"]);
        assert_eq!(left["exitCode"], 0);
        let said = client.said("stdout");
        let pid = said.lines().last().unwrap();
        assert_eq!(client.exec(&session, &["kill", pid])["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn what_holds_the_output_of_a_command_does_not_hold_up_its_end() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let script = "(read -r line < go; echo later) & echo now";
        client.exec(&session, &["mkfifo", "go"]);
        let ended = client.exec_with(&session, &["sh", "-c", script], json!({ "exec": "a" }));
        assert_eq!((&ended["exitCode"], client.said("stdout").as_str()), (&json!(0), "now\n"));
        client.start(&session, &["sh", "-c", "echo > go"], json!({ "stream": false }));
        let later = client.note_of("exec/output");
        assert_eq!((&later["exec"], &later["text"]), (&json!("a"), &json!("later\n")));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn whoever_begins_beside_others_is_told_that_the_project_has_changed_beneath_them() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("a", "one\n");
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let holds = ["sh", "-c", "cat a; read -r line"];
        let id = client.running(&session, &holds, json!({ "exec": "c", "stdin": "open" }));
        assert_eq!(client.note_of("exec/output")["text"], "one\n");
        let before = client.exec(&session, &["true"]);
        assert_ne!(before["outcome"]["projectChanged"], true, "{before}");
        site.write("a", "two\n");
        // What was seen before is good for a moment, and for longer where to look took longer.
        let until = Instant::now() + patience(DEADLINE);
        while client.exec(&session, &["true"])["outcome"]["projectChanged"] != true {
            assert!(Instant::now() < until, "nobody is told of it");
        }
        client.call("exec/closeStdin", json!({ "session": session, "exec": "c" }));
        client.result(id);
        let after = client.exec(&session, &["grep", "two", "a"]);
        assert_eq!((&after["exitCode"], &after["outcome"]["projectChanged"]), (&json!(0), &json!(null)));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
