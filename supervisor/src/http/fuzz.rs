//! Whatever bytes a client sends as a request, by HTTP or as a line of JSON-RPC: they are read as what they say, or
//! refused, and nothing else happens.
//!
//! It goes on for `CLEARING_FUZZ_SECONDS`, three unless that is set, and begins with `CLEARING_TEST_SEED`.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::{Just, any, prop_oneof};
use proptest::sample::{Index, select};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::call::params;
use super::routes::{Kind, ROUTES, Route};
use crate::protocol::{Frame, RequestId};

fn fuzz<S: Strategy<Value: Debug>>(strategy: &S, body: impl Fn(S::Value)) {
    let number = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    let end = Instant::now() + Duration::from_secs(number("CLEARING_FUZZ_SECONDS").unwrap_or(3));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let first = number("CLEARING_TEST_SEED").unwrap_or(u64::from(now.subsec_nanos()) ^ now.as_secs());
    println!("CLEARING_TEST_SEED={first}");
    let mut rounds = 0;
    while rounds == 0 || Instant::now() < end {
        let seed = first.wrapping_add(rounds);
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let config = Config { cases: 256, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        let run = runner.run(strategy, |value| {
            body(value);
            Ok(())
        });
        run.unwrap_or_else(|failure| panic!("CLEARING_TEST_SEED={seed}: {failure}"));
        rounds += 1;
    }
}

/// What a decoder could stumble over.
const PIECES: &[&str] = &[
    "&",
    "=",
    "%",
    "%2",
    "%ff",
    "%00",
    "%26",
    "+",
    "[",
    "]",
    "labels[",
    "waitMs=",
    "paths=",
    "path=",
    "session",
    "{",
    "}",
    "\"",
    ":",
    ",",
    "\\u",
    "1e999",
    "-1",
    "18446744073709551616",
    "null",
    "true",
    "\"jsonrpc\":\"2.0\"",
    "\"id\":",
    "\"method\":",
    "\"params\":",
    "ä",
    "\u{0}",
    "\n",
];

/// Text that is full of it.
fn odd() -> impl Strategy<Value = String> {
    let piece = prop_oneof![select(PIECES).prop_map(str::to_owned), any::<String>()];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let json = proptest::collection::btree_map(any::<String>(), any::<i64>(), 0..4)
        .prop_map(|map| serde_json::to_vec(&map).expect("plain data"));
    prop_oneof![odd().prop_map(String::into_bytes), any::<Vec<u8>>(), json, Just(Vec::new())]
}

fn route() -> impl Strategy<Value = &'static Route> {
    any::<Index>().prop_map(|index| index.get(ROUTES))
}

#[test]
fn a_request_of_any_bytes_is_parameters_or_a_fault() {
    let all = (route(), any::<String>(), odd(), bytes());
    fuzz(&all, |(route, id, query, body)| {
        let path = [("session", id.as_str())];
        match params(route, path.into_iter(), &query, &body) {
            Ok(said) => {
                assert_eq!(said["session"], id, "what stands in the path was replaced");
                let said = said.as_object().expect("an object");
                let asked = |name: &str| route.query.iter().any(|field| field.name == name);
                let brought: Value = serde_json::from_slice(&body).unwrap_or(json!({}));
                for (name, value) in said {
                    let is_known = name == "session" || asked(name) || brought.get(name) == Some(value);
                    assert!(is_known, "`{name}` came from nowhere");
                }
            }
            Err(fault) => assert!(matches!(fault.data.code, "CLR-PARAMS" | "CLR-MALFORMED"), "{fault:?}"),
        }
    });
}

#[test]
fn what_is_written_after_the_question_mark_is_read_as_it_was_meant() {
    let texts = (proptest::collection::vec(any::<String>(), 0..4), any::<String>(), any::<bool>());
    let labels = proptest::collection::btree_map("[^\\[\\]]*", any::<String>(), 0..4);
    let of = |method: &str| ROUTES.iter().find(|route| route.method == method).expect("a route");
    let (diff, list) = (of("changes/diff"), of("session/list"));
    assert!(list.query.iter().any(|field| field.kind == Kind::Pairs));
    let written = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    fuzz(&(texts, labels), |((paths, from, patch), labels)| {
        let mut query = format!("from={}&patch={patch}", written(&from));
        paths.iter().for_each(|path| query.push_str(&format!("&paths={}", written(path))));
        let said = params(diff, [].into_iter(), &query, b"").expect("parameters");
        let mut meant = json!({ "from": from, "patch": patch });
        if !paths.is_empty() {
            meant["paths"] = json!(paths);
        }
        assert_eq!(said, meant);
        let query: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("labels{}={}", written(&format!("[{name}]")), written(value)))
            .collect();
        let said = params(list, [].into_iter(), &query.join("&"), b"").expect("parameters");
        let said: BTreeMap<String, String> =
            serde_json::from_value(said.get("labels").cloned().unwrap_or(json!({}))).expect("texts");
        assert_eq!(said, labels);
    });
}

#[test]
fn a_line_of_any_bytes_is_a_request_or_a_fault() {
    let frame = (any::<Option<i64>>(), any::<String>(), bytes()).prop_map(|(id, method, params)| {
        let params = String::from_utf8_lossy(&params).into_owned();
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":{},\"params\":{params}}}",
            json!(id),
            json!(method)
        )
        .into_bytes()
    });
    fuzz(&prop_oneof![bytes(), frame], |line| match Frame::read(&line) {
        Ok(frame) => {
            let id = frame.id.clone().map(|id| match id {
                RequestId::Number(number) => json!(number),
                RequestId::Text(text) => json!(text),
            });
            let mut again = json!({ "jsonrpc": "2.0", "method": frame.method, "params": frame.params });
            id.into_iter().for_each(|id| again["id"] = id);
            let again = Frame::read(again.to_string().as_bytes()).expect("the same again");
            assert_eq!((again.id, again.method, again.params), (frame.id, frame.method, frame.params));
        }
        Err(no) => assert!(matches!(no.fault.code, -32700 | -32600), "{:?}", no.fault),
    });
}
