//! A session that is asked more than it can do: deadlines come when they come.

use std::time::{Duration, Instant};

use clearing_tests::{Client, Site, assert_nothing_left, for_each_caller, patience};
use serde_json::{Value, json};

/// How long it is asked without end: a deadline that waits for the end of that is missed by this much.
const FLOOD: Duration = Duration::from_secs(8);
/// So many questions are open at a time.
const OPEN: usize = 500;

/// Asks until an answer to `wanted` comes, and gives it with the number of answers before it.
fn ask_until(client: &mut Client, question: (&str, Value), wanted: i64) -> (Value, usize) {
    let until = Instant::now() + patience(FLOOD);
    let (mut open, mut answered) = (std::collections::VecDeque::new(), 0);
    while Instant::now() < until {
        while open.len() < OPEN {
            open.push_back(client.ask(question.0, question.1.clone()));
        }
        client.result(open.pop_front().unwrap());
        answered += 1;
        if let Some(ended) = client.answered(wanted) {
            return (ended, answered);
        }
    }
    panic!("no answer while there are other questions")
}

#[test]
fn a_deadline_does_not_wait_for_the_end_of_a_flood() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let by = json!({ "exec": "by", "yieldMs": 0 });
        client.exec_with(&session, &["sleep", "1000"], by);
        for question in [
            ("stats/get", json!({ "session": session })),
            ("exec/wait", json!({ "session": session, "exec": "by", "waitMs": 0 })),
        ] {
            let began = Instant::now();
            let limited = client.start(&session, &["sleep", "1000"], json!({ "timeoutMs": 300 }));
            let (ended, answered) = ask_until(&mut client, question, limited);
            assert_eq!(ended["outcome"]["cause"], "timeout", "{ended}");
            assert!(answered > 0 && began.elapsed() < patience(FLOOD), "{answered} answers");
        }
        client.call("session/destroy", json!({ "session": session }));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
