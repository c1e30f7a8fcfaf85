//! Files of the project, as the session has them.

use std::fs;
use std::os::unix::fs::symlink;

use clearing_tests::{Client, Site, assert_nothing_left, for_each_caller};
use serde_json::{Value, json};

/// Asks for something with a file of the session.
fn on(client: &mut Client, session: &str, method: &str, mut params: Value) -> Value {
    params["session"] = session.into();
    client.call(method, params)
}

/// The code of what is refused.
#[track_caller]
fn refused(client: &mut Client, session: &str, method: &str, mut params: Value) -> String {
    params["session"] = session.into();
    client.refused(method, params).1
}

#[test]
fn files_are_read_and_written_in_the_session_and_not_in_the_project() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("a", "one\n");
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let read = client.call("fs/read", json!({ "session": session, "path": "a" }));
        assert_eq!(read["text"], "one\n");
        client.call("fs/write", json!({ "session": session, "path": "deep/b", "text": "two\n" }));
        assert_eq!(client.exec(&session, &["grep", "-q", "two", "deep/b"])["exitCode"], 0);
        assert!(!site.project().join("deep").exists());
        let listed = client.call("fs/list", json!({ "session": session }));
        assert_eq!(listed["entries"].as_array().unwrap().len(), 2, "{listed}");
        for (method, params, number) in [
            ("fs/read", json!({ "session": session, "path": "../x" }), -32000),
            ("fs/read", json!({ "session": session, "path": "nothing" }), -32000),
            ("fs/read", json!({ "session": session, "pth": "a" }), -32602),
            ("fs/read", json!({ "path": "a" }), -32602),
            ("fs/chmod", json!({ "session": session, "path": "a" }), -32601),
        ] {
            let (told, code) = client.refused(method, params.clone());
            assert_eq!(told, number, "{method} {params}: {code}");
        }
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_file_is_changed_while_a_command_runs_which_sees_it_at_once() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("a", "one two two\n");
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let script =
            "while ! grep -q three a; do sleep 0.01; done; cat a; while test -e a; do sleep 0.01; done";
        let command = client.running(&session, &["sh", "-c", script], json!({}));
        let edits = |old| json!({ "path": "a", "edits": [{ "old": old, "new": "three" }] });
        assert_eq!(refused(&mut client, &session, "fs/edit", edits("two")), "CLR-FILE-MISMATCH");
        let edited = on(&mut client, &session, "fs/edit", edits("one"));
        assert_eq!(edited["replaced"], 1);
        assert_eq!(client.note_of("exec/output")["text"], "three two two\n");
        let stat = on(&mut client, &session, "fs/stat", json!({ "path": "a" }));
        assert_eq!((&stat["type"], &stat["size"]), (&json!("file"), &edited["size"]));
        on(&mut client, &session, "fs/remove", json!({ "path": "a" }));
        assert_eq!(client.result(command)["exitCode"], 0);
        assert_eq!(refused(&mut client, &session, "fs/stat", json!({ "path": "a" })), "CLR-FILE-MISSING");
        assert_eq!(fs::read_to_string(site.project().join("a")).unwrap(), "one two two\n");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn what_somebody_else_changed_is_not_written_over() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("a", "one\n");
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let before = on(&mut client, &session, "fs/read", json!({ "path": "a" }))["sha256"].clone();
        assert_eq!(client.exec(&session, &["sh", "-c", "echo two > a"])["exitCode"], 0);
        let after = on(&mut client, &session, "fs/read", json!({ "path": "a" }))["sha256"].clone();
        let write = |expected: &Value| json!({ "session": session, "path": "a", "text": "three\n", "expected": expected });
        let id = client.ask("fs/write", write(&before));
        let error = client.answer(&json!(id))["error"]["data"].clone();
        assert_eq!((&error["code"], &error["actual"]), (&json!("CLR-FILE-CHANGED"), &after));
        client.call("fs/write", write(&after));
        assert_eq!(client.exec(&session, &["grep", "-q", "three", "a"])["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn nothing_that_a_command_prepared_leads_out_or_holds_a_request_up() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        // The host's, beside the project; and a link that the project itself has.
        let secret = site.project().parent().unwrap().join("secret");
        fs::write(&secret, "secret\n").unwrap();
        symlink(&secret, site.project().join("theirs")).unwrap();
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let script = "echo in > in; ln -s in near; ln -s ../secret up; ln -s /etc/passwd far; ln -s / top; \
                      ln -s loop loop; mkfifo pipe; ln -s /proc/self/root/etc/passwd magic; mkdir d; echo x > d/x";
        assert_eq!(client.exec(&session, &["sh", "-c", script])["exitCode"], 0);
        assert_eq!(on(&mut client, &session, "fs/read", json!({ "path": "near" }))["text"], "in\n");
        for path in ["up", "far", "top/etc/passwd", "loop", "magic", "theirs", "../secret", "/etc/passwd"] {
            for (method, params) in [
                ("fs/read", json!({ "path": path })),
                ("fs/write", json!({ "path": path, "text": "x" })),
                ("fs/edit", json!({ "path": path, "edits": [{ "old": "s", "new": "x" }] })),
                ("fs/stat", json!({ "path": path, "follow": true })),
            ] {
                let code = refused(&mut client, &session, method, params);
                assert_eq!(code, "CLR-FILE-OUTSIDE", "{method} {path}");
            }
        }
        assert_eq!(refused(&mut client, &session, "fs/read", json!({ "path": "pipe" })), "CLR-FILE-KIND");
        assert_eq!(refused(&mut client, &session, "fs/remove", json!({ "path": "d" })), "CLR-FILE-NOT-EMPTY");
        // Of what leads out the link goes, and nothing behind it.
        for path in ["top", "up", "far", "d"] {
            on(&mut client, &session, "fs/remove", json!({ "path": path, "recursive": true }));
        }
        let listed = on(&mut client, &session, "fs/list", json!({}));
        let names = listed["entries"].as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap());
        assert_eq!(names.collect::<Vec<_>>(), ["in", "loop", "magic", "near", "pipe", "theirs"]);
        assert_eq!(fs::read_to_string(&secret).unwrap(), "secret\n");
        assert_eq!(client.exec(&session, &["test", "-s", "/etc/passwd"])["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn what_is_done_with_files_is_no_exec_and_takes_no_name() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        client.call("fs/write", json!({ "session": session, "path": "a", "text": "a" }));
        let asked = client.ask("fs/read", json!({ "session": session, "path": "a" }));
        for name in ["1()", "2()"] {
            let on = json!({ "session": session, "exec": name, "signal": "KILL" });
            assert_eq!(client.refused("exec/signal", on).1, "CLR-EXEC-UNKNOWN");
            assert_eq!(client.exec_with(&session, &["true"], json!({ "exec": name }))["exitCode"], 0);
        }
        assert_eq!(client.result(asked)["text"], "a");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
