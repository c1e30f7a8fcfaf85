//! What makes no sense, comes never to its end, or is too much: it is answered or hung up on, and others are served.

use std::io::Write as _;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use clearing_tests::in_time;
use serde_json::{Value, json};

use crate::events::resident;
use crate::peer::{Peer, for_each_house};

#[test]
fn a_body_of_a_gigabyte_is_refused_and_not_read() {
    for_each_house(|house| {
        let mut peer = house.peer();
        peer.get("/v1/health");
        let before = resident(house);
        // One that says how long it is.
        peer.send(b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n{");
        assert_eq!(peer.answer().refused(), (413, "CLR-BODY-TOO-LONG".into()));
        // And one that does not: it is not read for longer than any may be.
        let mut stream = UnixStream::connect(&house.socket).unwrap();
        stream
            .write_all(b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            .unwrap();
        let chunk = [b"100000\r\n".to_vec(), vec![b' '; 1 << 20], b"\r\n".to_vec()].concat();
        let taken = (0..1024).take_while(|_| stream.write_all(&chunk).is_ok()).count();
        assert!(taken < 32, "{taken} MiB were taken");
        let after = resident(house);
        assert!(after < before + 40_000, "it was kept: {before} kB, then {after} kB");
        assert_eq!(house.peer().get("/v1/health")["state"], "ok");
    });
}

#[test]
fn a_request_that_is_cut_in_the_middle_is_no_request() {
    for_each_house(|house| {
        let body = json!({ "workspace": house.site.project() }).to_string();
        let whole = format!(
            "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        for end in (1..whole.len()).step_by(7) {
            let mut stream = UnixStream::connect(&house.socket).unwrap();
            stream.write_all(&whole.as_bytes()[..end]).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            assert!(Peer::new(stream).is_at_its_end() || end > whole.len() - body.len());
        }
        assert_eq!(house.peer().get("/v1/sessions"), json!({ "sessions": [] }));
    });
}

#[test]
fn a_thousand_idle_connections_keep_nobody_out() {
    for_each_house(|house| {
        let mut peer = house.peer();
        let session = peer.session(house.site);
        // Some say nothing, some have begun to say something, and more than there are places half of a body.
        let idle: Vec<UnixStream> = (0..1000)
            .map(|number| {
                let mut stream = UnixStream::connect(&house.socket).unwrap();
                let said = match number {
                    ..200 => "",
                    200..400 => "GET /v1/hea",
                    _ => "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
                };
                stream.write_all(said.as_bytes()).unwrap();
                stream
            })
            .collect();
        assert_eq!(house.peer().get("/v1/health")["state"], "ok");
        let ran = house.peer().post(&format!("{session}/execs"), json!({ "argv": ["true"] }));
        assert_eq!(ran["exitCode"], 0);
        let connected = house.peer().get("/v1/health")["connections"].as_u64().unwrap();
        assert!(connected <= 512, "{connected}");
        let open = std::fs::read_dir(format!("/proc/{}/fd", house.server.pid())).unwrap().count();
        assert!(open < 600, "{open}");
        drop(idle);
    });
}

#[test]
fn ten_thousand_requests_in_a_row_are_answered_each() {
    for_each_house(|house| {
        let mut peer = house.peer();
        peer.get("/v1/health");
        let before = resident(house);
        in_time(Duration::ZERO, Duration::from_secs(20), || {
            for _ in 0..100 {
                // A hundred at a time, before the first is answered.
                peer.send("GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100).as_bytes());
                (0..100).for_each(|_| assert_eq!(peer.answer().status, 200));
            }
        });
        let after = resident(house);
        assert!(after < before + 2_000, "{before} kB, then {after} kB");
    });
}

#[test]
fn what_is_not_http_or_too_long_is_hung_up_on() {
    for_each_house(|house| {
        let endless = format!("GET /v1/health HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(200_000));
        let many = format!("GET /v1/health HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(1000));
        for said in ["\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", &endless, &many] {
            let mut stream = UnixStream::connect(&house.socket).unwrap();
            let _ = stream.write_all(said.as_bytes());
            let mut peer = Peer::new(stream);
            let head = peer.head_if_any();
            assert!(head.is_empty() || head.starts_with("HTTP/1.1 4"), "{head}");
        }
        assert_eq!(house.peer().get("/v1/health")["state"], "ok");
    });
}

#[test]
fn a_body_that_is_no_json_is_told_as_what_it_is() {
    for_each_house(|house| {
        let mut peer = house.peer();
        for (kind, body, refused) in [
            ("application/json", "{", (400, "CLR-MALFORMED")),
            ("application/json", "\u{feff}{}", (400, "CLR-MALFORMED")),
            ("application/json; charset=utf-8", "[]", (400, "CLR-PARAMS")),
            ("application/json", &"[".repeat(10_000), (400, "CLR-MALFORMED")),
            ("text/plain", "{}", (415, "CLR-BODY-TYPE")),
            ("application/x-www-form-urlencoded", "workspace=/", (415, "CLR-BODY-TYPE")),
        ] {
            let length = body.len();
            peer.send(
                format!("POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}")
                    .as_bytes(),
            );
            let (status, code) = peer.answer().refused();
            assert_eq!((status, code.as_str()), refused, "{kind} {body:.20}");
        }
        assert_eq!(peer.ask("GET", "/v1/sessions", &Value::Null).status, 200);
    });
}
