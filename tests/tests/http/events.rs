//! What an exec says, as it comes.

use std::time::{Duration, Instant};

use clearing_tests::{DEADLINE, Site, for_each_caller, patience};
use serde_json::{Value, json};

use crate::peer::{House, for_each_house};

/// Asks for the events of an exec, and reads the head of the answer.
pub(crate) fn follow(
    house: &House<'_>,
    exec: &str,
    more: &str,
) -> crate::peer::Peer<std::os::unix::net::UnixStream> {
    let mut peer = house.peer();
    peer.send(format!("GET {exec}/events HTTP/1.1\r\nHost: x\r\n{more}\r\n").as_bytes());
    let head = peer.head();
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/event-stream"), "{head}");
    peer
}

#[test]
fn events_come_as_they_happen_and_go_on_where_a_client_left_off() {
    for_each_house(|house| {
        let mut peer = house.peer();
        let session = peer.session(house.site);
        let start = json!({ "exec": "e", "argv": ["sh", "-c", "echo one; read x; echo two; exit 3"],
            "stdin": "open", "yieldMs": 0 });
        peer.post(&format!("{session}/execs"), start);
        let exec = format!("{session}/execs/e");
        let mut events = follow(house, &exec, "");
        let (started, one) = (events.event().unwrap(), events.event().unwrap());
        assert_eq!((started.name.as_str(), started.id), ("exec/started", 1));
        assert_eq!((one.name.as_str(), &one.data["text"]), ("exec/output", &json!("one\n")));
        assert_eq!((one.id, &one.data["seq"]), (2, &json!(2)));
        // A reader that goes away in between misses nothing.
        drop(events);
        peer.post(&format!("{exec}/input"), json!({ "text": "x\n" }));
        let mut events = follow(house, &exec, "Last-Event-ID: 2\r\n");
        let (two, exited) = (events.event().unwrap(), events.event().unwrap());
        assert_eq!((two.id, &two.data["text"]), (3, &json!("two\n")));
        assert_eq!((exited.name.as_str(), &exited.data["outcome"]["exitCode"]), ("exec/exited", &json!(3)));
        assert!(events.event().is_none());
        let over = peer.ask_with("GET", &format!("{exec}/events"), "Last-Event-ID: 4\r\n", &Value::Null);
        assert_eq!(over.status, 204);
        assert_eq!(peer.ask("GET", &format!("{session}/execs/x/events"), &Value::Null).refused().0, 404);
        assert_eq!(peer.ask("GET", &format!("{exec}/events?from=1"), &Value::Null).refused().0, 400);
    });
}

#[test]
fn a_denial_is_an_event() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let rules = "extends = \"default\"\n[commands]\ndefault = \"deny\"\n";
        let profile = site.write_home("strict.toml", rules);
        let house = House::open(&site);
        let mut peer = house.peer();
        let made = peer.post("/v1/sessions", json!({ "workspace": site.project(), "profile": profile }));
        let session = format!("/v1/sessions/{}", made["session"].as_str().unwrap());
        peer.post(&format!("{session}/execs"), json!({ "exec": "e", "argv": ["curl", "x"] }));
        let mut events = follow(&house, &format!("{session}/execs/e"), "");
        let denial = events.event().unwrap();
        assert_eq!((denial.name.as_str(), &denial.data["code"]), ("denial", &json!("CLR-POLICY-CMD")));
        assert_eq!(events.event().unwrap().name, "exec/exited");
        house.close();
    });
}

#[test]
fn who_never_reads_its_events_stops_nobody_and_is_told_what_it_missed() {
    for_each_house(|house| {
        let mut peer = house.peer();
        let session = peer.session(house.site);
        let start = json!({ "exec": "e", "argv": ["sh", "-c", "read x; yes | head -c 200M"], "stdin": "open",
            "stream": false, "yieldMs": 0 });
        peer.post(&format!("{session}/execs"), start);
        let exec = format!("{session}/execs/e");
        let mut idle: Vec<_> = (0..4).map(|_| follow(house, &exec, "")).collect();
        let before = resident(house);
        peer.post(&format!("{exec}/input"), json!({ "text": "x\n" }));
        let ended = peer.get(&format!("{exec}?waitMs=50000"));
        assert_eq!(ended["exitCode"], 0, "{ended}");
        let after = resident(house);
        assert!(after < before + 8 * 1024, "it was kept: {before} kB, then {after} kB");
        // All that is kept comes, and the number of bytes that was not.
        let (mut bytes, mut dropped) = (0, 0);
        let end = Instant::now() + patience(DEADLINE);
        while let Some(event) = idle[0].event() {
            bytes += event.data["text"].as_str().map_or(0, str::len);
            dropped += event.data["dropped"]["stdout"].as_u64().unwrap_or(0);
            assert!(Instant::now() < end, "no end");
        }
        assert_eq!(bytes as u64 + dropped, 200 << 20);
        assert!(dropped > 100 << 20, "{dropped}");
    });
}

/// Kilobytes of the server's memory.
pub(crate) fn resident(house: &House<'_>) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", house.server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_follower_is_gone_when_it_hangs_up() {
    for_each_house(|house| {
        let mut peer = house.peer();
        let session = peer.session(house.site);
        peer.post(
            &format!("{session}/execs"),
            json!({ "exec": "e", "argv": ["sleep", "600"], "yieldMs": 0 }),
        );
        let followers: Vec<_> = (0..20).map(|_| follow(house, &format!("{session}/execs/e"), "")).collect();
        assert_eq!(peer.get("/v1/health")["connections"], 21);
        drop(followers);
        let end = Instant::now() + patience(DEADLINE);
        while peer.get("/v1/health")["connections"] != 1 {
            assert!(Instant::now() < end, "still there");
            std::thread::sleep(Duration::from_millis(5));
        }
    });
}
