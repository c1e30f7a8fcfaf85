//! What is counted, for Prometheus.

use std::thread::sleep;
use std::time::{Duration, Instant};

use clearing_tests::{DEADLINE, patience};
use serde_json::{Value, json};

use crate::peer::for_each_house;

#[test]
fn work_is_counted_and_no_client_chooses_a_label() {
    for_each_house(|house| {
        let mut peer = house.peer();
        let execs = format!("{}/execs", peer.session(house.site));
        peer.post(&execs, json!({ "argv": ["sh", "-c", "echo 12345"] }));
        peer.post(&execs, json!({ "argv": ["sh", "-c", "kill -KILL $$"] }));
        peer.ask("GET", &format!("{execs}/none"), &Value::Null).refused();
        peer.ask("POST", &execs, &json!({ "odd\"}\n": 1 })).refused();
        let answer = peer.ask("GET", "/metrics", &Value::Null);
        assert!(answer.head.contains("content-type: text/plain; version=0.0.4\r\n"), "{}", answer.head);
        let text = String::from_utf8(answer.body).unwrap();
        for line in [
            "clearing_sessions 1",
            "clearing_execs_running 0",
            "clearing_connections 1",
            "clearing_kept_output_bytes 6",
            "clearing_denials_total 0",
            "clearing_execs_total{cause=\"exit\"} 1",
            "clearing_execs_total{cause=\"signal\"} 1",
            "clearing_requests_refused_total{code=\"CLR-EXEC-UNKNOWN\"} 1",
            "clearing_requests_refused_total{code=\"CLR-PARAMS\"} 1",
            "clearing_request_seconds_bucket{method=\"exec/start\",le=\"+Inf\"} 2",
            "clearing_request_seconds_count{method=\"session/create\"} 1",
        ] {
            assert!(text.lines().any(|one| one == line), "no {line}\n{text}");
        }
        // Every line is one of three kinds, and each sample has a type.
        for line in text.lines().filter(|line| !line.starts_with("# HELP ")) {
            let name = line.trim_start_matches("# TYPE ").split([' ', '{']).next().unwrap();
            let base =
                ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            assert!(text.contains(&format!("# TYPE {base} ")), "{line}");
        }
    });
}

#[test]
fn an_idle_server_takes_little_memory() {
    for_each_house(|house| {
        let mut peer = house.peer();
        let session = peer.session(house.site);
        peer.post(&format!("{session}/execs"), json!({ "argv": ["true"] }));
        peer.get("/v1/openapi.json");
        // What the work took is given back a second later.
        let until = Instant::now() + patience(DEADLINE);
        while crate::events::resident(house) >= 12 * 1024 {
            assert!(Instant::now() < until, "{} kB", crate::events::resident(house));
            sleep(Duration::from_millis(50));
        }
    });
}
