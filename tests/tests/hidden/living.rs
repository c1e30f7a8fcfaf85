//! Where a sandbox lives on, files are looked for when a command begins as well.

use std::fs;

use clearing_tests::{Caller, Client, Site, assert_nothing_left, for_each_caller};
use serde_json::json;

/// A server of the caller's with a session over a project.
fn begun(caller: Caller) -> (Site, Client, String) {
    let site = Site::new(caller);
    site.write("a/plain", "plain\n");
    site.write("b/.env", "EARLY=1\n");
    let mut client = site.serve([] as [&str; 0]);
    let session = client.session(&site);
    (site, client, session)
}

/// What a shell script prints in the session.
#[track_caller]
fn printed(client: &mut Client, session: &str, script: &str) -> String {
    client.notes();
    let ended = client.exec(session, &["sh", "-c", script]);
    assert_eq!(ended["outcome"]["cause"], "exit", "{ended}");
    client.said("stdout")
}

const FILES: &str = "find . -type f | sort";

#[test]
fn a_secret_that_comes_between_two_commands_is_hidden_from_the_second() {
    for_each_caller(|caller| {
        let (site, mut client, session) = begun(caller);
        let script = "mkdir /tmp/kept; echo new > a/new; cat b/.env";
        assert_eq!(printed(&mut client, &session, script), "");
        site.write("a/.env", "LATE=1\n");
        assert_eq!(printed(&mut client, &session, FILES), "./a/new\n./a/plain\n");
        assert_eq!(printed(&mut client, &session, "cat a/.env b/.env; ls /tmp"), "kept\n");
        // As often as it happens, and after other layers were shown.
        client.call("snapshot/create", json!({ "session": session, "label": "one" }));
        site.write("c/id_rsa", "KEY\n");
        site.write("c/plain", "c\n");
        assert_eq!(printed(&mut client, &session, FILES), "./a/new\n./a/plain\n./c/plain\n");
        client.call("snapshot/rollback", json!({ "session": session, "snapshot": "initial" }));
        assert_eq!(printed(&mut client, &session, FILES), "./a/plain\n./c/plain\n");
        fs::remove_file(site.project().join("c/id_rsa")).unwrap();
        site.write("c/other.pem", "nothing\n");
        assert_eq!(printed(&mut client, &session, FILES), "./a/plain\n./c/other.pem\n./c/plain\n");
        site.write("c/other.pem", "-----BEGIN PRIVATE KEY-----\n");
        client.call("session/refresh", json!({ "session": session }));
        assert_eq!(printed(&mut client, &session, FILES), "./a/plain\n./c/plain\n");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn what_came_late_and_was_hidden_stays_kept_from_what_the_session_lands() {
    for_each_caller(|caller| {
        let (site, mut client, session) = begun(caller);
        printed(&mut client, &session, "true");
        site.write("c/key.pem", "-----BEGIN PRIVATE KEY-----\n");
        assert_eq!(printed(&mut client, &session, "cat c/key.pem; rm -rf c; echo mine > c"), "");
        site.write("c/key.pem", "nothing\n");
        let landed = client.call("changes/commit", json!({ "session": session }));
        assert_eq!(fs::read_to_string(site.project().join("c/key.pem")).unwrap(), "nothing\n", "{landed}");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_project_that_was_moved_away_shows_no_secret_that_it_did_not_show_before() {
    for_each_caller(|caller| {
        let (site, mut client, session) = begun(caller);
        assert_eq!(printed(&mut client, &session, "cat b/.env; echo seen"), "seen\n");
        let (project, moved) = (site.project(), site.home().join("moved"));
        fs::rename(&project, &moved).unwrap();
        let ended = client.ask("exec/start", json!({ "session": session, "argv": ["cat", "b/.env"] }));
        client.answer(&json!(ended));
        assert!(!client.said("stdout").contains("EARLY"), "{}", client.told());
        fs::create_dir(&project).unwrap();
        let ended = client.ask("exec/start", json!({ "session": session, "argv": ["cat", "b/.env"] }));
        client.answer(&json!(ended));
        assert!(!client.said("stdout").contains("EARLY"), "{}", client.told());
        fs::remove_dir(&project).unwrap();
        fs::rename(&moved, &project).unwrap();
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
