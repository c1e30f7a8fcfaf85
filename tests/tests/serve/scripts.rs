//! Programs given as text.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use serde_json::json;

#[test]
fn a_script_runs_with_its_arguments_and_reads_what_is_written_to_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let code = "echo \"$1 $#\"; cat; exit 7";
        let script = json!({ "lang": "bash", "code": code });
        let ended = client.exec_with(&session, &["one", "two"], script);
        assert_eq!((&ended["exitCode"], client.said("stdout").as_str()), (&json!(7), "one 2\n"));
        let script =
            json!({ "session": session, "exec": "s", "lang": "bash", "code": code, "stdin": "open" });
        let id = client.ask("exec/start", script);
        // Nothing that it says is told before.
        client.note_of("exec/started");
        client.call("exec/write", json!({ "session": session, "exec": "s", "text": "said\n" }));
        client.call("exec/closeStdin", json!({ "session": session, "exec": "s" }));
        assert_eq!(client.result(id)["exitCode"], 7);
        assert_eq!(client.said("stdout"), " 0\nsaid\n");
        // `echo "?$#" | wc -c`, where the sign is no UTF-8.
        let script = json!({ "lang": "bash", "code": { "bytes": "ZWNobyAi/yQjIiB8IHdjIC1j" } });
        client.exec_with(&session, &["one"], script);
        assert_eq!(client.said("stdout"), "3\n");
        for wrong in [
            json!({ "session": session, "lang": "bash", "code": { "bytes": "no base64" } }),
            json!({ "session": session, "lang": "bash", "code": 3 }),
            json!({ "session": session }),
            json!({ "session": session, "code": "true" }),
            json!({ "session": session, "lang": "bash" }),
            json!({ "session": session, "lang": "cobol", "code": "true" }),
        ] {
            assert_eq!(client.refused("exec/start", wrong.clone()).0, -32602, "{wrong}");
        }
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
