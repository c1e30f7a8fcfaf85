//! Ten thousand requests at a time: as many as are kept in mind are answered, all others are refused.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use serde_json::json;

#[test]
fn ten_thousand_requests_have_ten_thousand_answers() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        client.start(&session, &["cat"], json!({ "exec": "cat", "stdin": "open", "yieldMs": 0 }));
        let wait = json!({ "session": session, "exec": "cat" });
        let asked: Vec<i64> = (0..10_000).map(|_| client.ask("exec/wait", wait.clone())).collect();
        let health = client.ask("health", json!({}));
        let told = client.answer(&json!(health));
        assert_eq!(told["error"]["data"]["code"], "CLR-TOO-MANY");
        // One that is cancelled makes room for another.
        client.cancel(asked[0]);
        assert_eq!(client.error(asked[0]).0, -32800);
        client.call("exec/closeStdin", json!({ "session": session, "exec": "cat" }));
        let (mut results, mut refused) = (0, 0);
        for id in &asked[1..] {
            let answer = client.answer(&json!(id));
            match answer["error"]["data"]["code"].as_str() {
                None => results += usize::from(answer["result"]["exitCode"] == 0),
                Some(code) => refused += usize::from(code == "CLR-TOO-MANY"),
            }
        }
        assert!(results >= 1000 && results + refused == asked.len() - 1, "{results} and {refused}");
        assert_eq!(client.exec(&session, &["true"])["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
