//! What a server holds has bounds, and what is beyond one is refused by its own code.

use std::io::Read as _;
use std::os::unix::net::UnixStream;

use clearing_tests::{
    Caller, DEADLINE, Site, absent, assert_nothing_left, code_of, expect_success, for_each_caller, patience,
};
use nix::unistd::Pid;
use serde_json::{Map, json};

#[test]
fn no_more_sessions_are_held_than_was_said() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve(["--max-sessions", "2", "--pool", "1"]);
        let params = || json!({ "workspace": site.project() });
        let (one, two) = (client.session(&site), client.session(&site));
        assert_eq!(client.refused("session/create", params()).1, "CLR-TOO-MANY-SESSIONS");
        // One that is held is no other one.
        client.call("session/create", json!({ "session": one }));
        client.call("session/destroy", json!({ "session": two }));
        client.session(&site);
        assert_eq!(client.refused("session/create", params()).1, "CLR-TOO-MANY-SESSIONS");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn where_all_keep_too_much_output_no_command_is_begun() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve(["--max-spool", "1M"]);
        let (one, two) = (client.session(&site), client.session(&site));
        let long = |client: &mut clearing_tests::Client, session: &str| {
            client.exec_with(session, &["head", "-c", "600000", "/dev/zero"], json!({ "stream": false }))
        };
        assert_eq!(long(&mut client, &one)["exitCode"], 0);
        assert_eq!(long(&mut client, &two)["exitCode"], 0);
        let params = |session: &str| json!({ "session": session, "argv": ["true"] });
        assert_eq!(client.refused("exec/start", params(&two)).1, "CLR-SPOOL-FULL");
        client.call("session/destroy", json!({ "session": one }));
        assert_eq!(client.exec(&two, &["true"])["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn labels_have_a_number_and_a_length() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let many = |number: usize| -> Map<String, serde_json::Value> {
            (0..number).map(|number| (format!("l{number}"), json!("x"))).collect()
        };
        for labels in [json!(many(65)), json!({ "long": "x".repeat(16 * 1024) })] {
            let params = json!({ "workspace": site.project(), "labels": labels });
            assert_eq!(client.refused("session/create", params).1, "CLR-LABELS");
        }
        client.call("session/create", json!({ "workspace": site.project(), "labels": many(64) }));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn the_name_of_an_exec_has_a_length_and_can_be_shown() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let params = |name: &str| json!({ "session": session, "argv": ["true"], "exec": name });
        let long = "x".repeat(129);
        for name in ["", &long, "a\u{1b}[2Jb", "a\nb", "a\u{0}b", "a\u{9b}b", &"\u{e4}".repeat(65)] {
            let id = client.ask("exec/start", params(name));
            let answer = client.answer(&json!(id));
            assert_eq!(code_of(&answer), (-32000, "CLR-NAME".to_owned()), "{answer}");
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(message.contains("128 bytes") && message.len() < 200, "{message}");
            assert!(!message.contains(char::is_control), "{message:?}");
        }
        for name in [&long[1..], &"\u{e4}".repeat(64), "mit Leerzeichen"] {
            assert_eq!(client.call("exec/start", params(name))["exec"], name);
        }
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

fn limit_of_threads(server: Pid) -> String {
    let limits = std::fs::read_to_string(format!("/proc/{server}/limits")).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max processes")).unwrap();
    line.split_whitespace().next().unwrap().to_owned()
}

fn limit_threads(site: &Site, server: Pid, most: &str) {
    let limit = ["--pid".to_owned(), server.to_string(), format!("--nproc={most}:")];
    expect_success(site.host("prlimit").args(limit));
}

#[test]
fn a_client_that_no_thread_can_be_begun_for_is_let_go() {
    for_each_caller(|caller| {
        if caller == Caller::Root {
            return absent("root may have as many threads as it likes");
        }
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let health = client.call("health", json!({}));
        let most = limit_of_threads(client.pid());
        limit_threads(&site, client.pid(), "1");
        let socket = site.state().join("servers").join(format!("{}.sock", client.pid()));
        let mut other = UnixStream::connect(socket).unwrap();
        other.set_read_timeout(Some(patience(DEADLINE))).unwrap();
        assert_eq!(other.read(&mut [0]).unwrap(), 0);
        limit_threads(&site, client.pid(), &most);
        assert_eq!(client.call("health", json!({}))["connections"], health["connections"]);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
