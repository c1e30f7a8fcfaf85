//! Every method of the protocol is a resource, with the same parameters and results.

use std::collections::BTreeSet;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use clearing_tests::{DEADLINE, Site, for_each_caller, patience};
use serde_json::{Value, json};

use crate::peer::{House, Peer, for_each_house};

#[test]
fn a_session_is_worked_on_from_its_beginning_to_its_commit() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("note.txt", "of the project\n");
        let house = House::open(&site);
        let mut peer = house.peer();
        assert_eq!(peer.get("/v1/health")["state"], "ok");
        let made = peer.ask(
            "POST",
            "/v1/sessions",
            &json!({ "workspace": site.project(), "labels": { "task": "42" } }),
        );
        let session = format!("/v1/sessions/{}", made.expect(201)["session"].as_str().unwrap());
        let ran = peer.post(
            &format!("{session}/execs"),
            json!({ "argv": ["sh", "-c", "echo one; echo two >&2; echo more >> note.txt; exit 3"] }),
        );
        assert_eq!((&ran["exitCode"], &ran["state"]), (&json!(3), &json!("exited")), "{ran}");
        let exec = format!("{session}/execs/{}", ran["exec"].as_str().unwrap());
        assert_eq!(peer.get(&exec)["exitCode"], 3);
        let said = peer.get(&format!("{exec}/output?afterSeq=0"));
        let texts: BTreeSet<_> =
            said["output"].as_array().unwrap().iter().filter_map(|piece| piece["text"].as_str()).collect();
        assert_eq!((texts, &said["state"]), (BTreeSet::from(["one\n", "two\n"]), &json!("exited")), "{said}");
        assert_eq!(
            peer.ask("POST", &format!("{session}/snapshots"), &json!({ "label": "green" })).status,
            201
        );
        peer.post(&format!("{session}/execs"), json!({ "argv": ["rm", "note.txt"] }));
        let changes = peer.get(&format!("{session}/diff?paths=note.txt"));
        assert_eq!(changes["changes"][0]["status"], "deleted", "{changes}");
        peer.post(&format!("{session}/rollback"), json!({ "snapshot": "green" }));
        let told = peer.get(&format!("{session}/files?path=note.txt"));
        assert_eq!(told["text"], "of the project\nmore\n");
        let listed = peer.get("/v1/sessions?labels[task]=42")["sessions"].as_array().unwrap().len();
        assert_eq!((listed, peer.get("/v1/sessions?labels[task]=41")["sessions"].clone()), (1, json!([])));
        peer.post(&format!("{session}/commit"), json!({}));
        let note = std::fs::read_to_string(site.project().join("note.txt")).unwrap();
        assert_eq!(note, "of the project\nmore\n");
        peer.ask("DELETE", &session, &Value::Null).expect(200);
        assert_eq!(peer.ask("GET", &session, &Value::Null).refused(), (404, "CLR-UNKNOWN".into()));
        house.close();
    });
}

#[test]
fn files_are_resources_of_their_session() {
    for_each_house(|house| {
        let mut peer = house.peer();
        let files = format!("{}/files", peer.session(house.site));
        peer.ask("PUT", &files, &json!({ "path": "a/b c", "text": "one\n" })).expect(200);
        peer.post(
            &format!("{files}/edit"),
            json!({ "path": "a/b c", "edits": [{ "old": "one", "new": "two" }] }),
        );
        assert_eq!(peer.get(&format!("{files}?path=a/b%20c&sha256=true"))["text"], "two\n");
        assert_eq!(peer.get(&format!("{files}/stat?path=a"))["type"], "directory");
        peer.post(&format!("{files}/move"), json!({ "from": "a/b c", "to": "d" }));
        peer.ask("POST", &format!("{files}/mkdir"), &json!({ "path": "e" })).expect(201);
        let listed = peer.get(&format!("{files}/list?depth=2"));
        let paths: Vec<&str> =
            listed["entries"].as_array().unwrap().iter().filter_map(|entry| entry["path"].as_str()).collect();
        assert_eq!(paths, ["a", "d", "e"]);
        peer.ask("DELETE", &format!("{files}?path=d"), &Value::Null).expect(200);
        let gone = peer.ask("GET", &format!("{files}?path=d"), &Value::Null);
        assert_eq!(gone.refused(), (404, "CLR-FILE-MISSING".into()));
        let outside = peer.ask("GET", &format!("{files}?path=../../etc/passwd"), &Value::Null);
        assert_eq!(outside.refused(), (403, "CLR-FILE-OUTSIDE".into()));
    });
}

#[test]
fn a_command_is_fed_stopped_and_waited_for() {
    for_each_house(|house| {
        let mut peer = house.peer();
        let execs = format!("{}/execs", peer.session(house.site));
        let begun =
            peer.post(&execs, json!({ "exec": "cat", "argv": ["cat"], "stdin": "open", "yieldMs": 0 }));
        assert_eq!(begun["state"], "running");
        peer.post(&format!("{execs}/cat/input"), json!({ "text": "typed\n" }));
        let said = peer.get(&format!("{execs}/cat/output?waitMs=10000"));
        assert_eq!(said["output"][0]["text"], "typed\n");
        peer.ask("DELETE", &format!("{execs}/cat/input"), &Value::Null).expect(200);
        assert_eq!(peer.get(&format!("{execs}/cat?waitMs=10000"))["exitCode"], 0);
        peer.post(&execs, json!({ "exec": "long", "argv": ["sleep", "600"], "yieldMs": 0 }));
        assert_eq!(peer.get(&format!("{execs}/long"))["state"], "running");
        peer.post(&format!("{execs}/long/signal"), json!({ "signal": "TERM" }));
        assert_eq!(peer.get(&format!("{execs}/long?waitMs=10000"))["outcome"]["signal"], 15);
        let again = peer.ask("POST", &format!("{execs}/long/signal"), &json!({ "signal": "TERM" }));
        assert_eq!(again.refused(), (409, "CLR-EXEC-ENDED".into()));
    });
}

#[test]
fn who_hangs_up_has_cancelled_what_it_waited_for() {
    for_each_house(|house| {
        let mut peer = house.peer();
        let session = peer.session(house.site);
        let mut other = house.peer();
        let body = json!({ "exec": "long", "argv": ["sleep", "600"] }).to_string();
        other.send(
            format!(
                "POST {session}/execs HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .as_bytes(),
        );
        let mut is_there = || peer.get(&session)["running"] == json!(["long"]);
        while !is_there() {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        drop(other);
        assert_eq!(peer.get(&format!("{session}/execs/long?waitMs=10000"))["outcome"]["signal"], 15);
    });
}

#[test]
fn what_is_no_resource_no_verb_and_no_parameter_is_told() {
    for_each_house(|house| {
        let mut peer = house.peer();
        let session = peer.session(house.site);
        assert_eq!(peer.ask("GET", "/v2/health", &Value::Null).refused(), (404, "CLR-RESOURCE".into()));
        let answer = peer.ask("PATCH", "/v1/sessions", &Value::Null);
        assert_eq!(answer.refused(), (405, "CLR-VERB".into()));
        assert!(answer.head.contains("allow: GET,HEAD,POST\r\n"), "{}", answer.head);
        for (verb, target, body) in [
            ("GET", "/v1/health?more=1".to_owned(), Value::Null),
            ("GET", "/v1/health".into(), json!({})),
            ("POST", format!("{session}/execs"), json!({ "argv": ["true"], "shell": true })),
            ("POST", format!("{session}/execs"), json!({ "argv": ["true"], "session": "other" })),
            ("POST", format!("{session}/execs"), json!(["true"])),
            ("GET", format!("{session}/execs/%ff"), Value::Null),
        ] {
            let (status, code) = peer.ask(verb, &target, &body).refused();
            assert_eq!((status, code.as_str()), (400, "CLR-PARAMS"), "{verb} {target}");
        }
        for id in ["..", "%2e%2e", "..%2f..%2fetc", "%2Fetc%2Fpasswd", "a%00b", "a%0ab"] {
            let (status, _) = peer.ask("GET", &format!("/v1/sessions/{id}"), &Value::Null).refused();
            assert!(matches!(status, 400 | 404), "{id}: {status}");
            let (status, _) = peer.ask("DELETE", &format!("/v1/sessions/{id}"), &Value::Null).refused();
            assert!(matches!(status, 400 | 404), "{id}: {status}");
        }
    });
}

#[test]
fn a_session_that_was_made_before_is_given_by_its_own_thread() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let house = House::open_with(&site, &["--pool", "1"]);
        let mut peer = house.peer();
        run(&mut peer, &site);
        await_parked(&mut peer);
        let parked = std::fs::read_dir(site.state().join("sessions")).unwrap();
        let parked: Vec<_> = parked.map(|entry| entry.unwrap().file_name()).collect();
        let (session, said) = run(&mut peer, &site);
        assert!(parked.iter().any(|parked| session.ends_with(parked.to_str().unwrap())), "{session}");
        assert_eq!(said, "1024");
        await_parked(&mut peer);
        // It is another one by now.
        site.write(".clearing/profile.toml", "[limits]\nnofile = 77\n");
        assert_eq!(run(&mut peer, &site).1, "77");
        house.close();
    });
}

/// A new session, and what a command in it says of how many files it may open.
fn run(peer: &mut Peer<UnixStream>, site: &Site) -> (String, String) {
    let session = peer.session(site);
    let ran =
        peer.post(&format!("{session}/execs"), json!({ "argv": ["sh", "-c", "printf %s $(ulimit -n)"] }));
    let exec = ran["exec"].as_str().unwrap();
    let said = peer.get(&format!("{session}/execs/{exec}/output?afterSeq=0"));
    (session, said["output"][0]["text"].as_str().unwrap().to_owned())
}

fn await_parked(peer: &mut Peer<UnixStream>) {
    let until = Instant::now() + patience(DEADLINE);
    while peer.get("/v1/health")["parked"] != 1 {
        assert!(Instant::now() < until, "none is parked");
        // Not so often that nothing is ever parked.
        std::thread::sleep(Duration::from_millis(60));
    }
}
