//! Files of the project, as the session has them.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use serde_json::json;

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
