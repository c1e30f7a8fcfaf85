//! A terminal of the command's own: keys, size, signals to what is in its foreground.

use clearing_tests::{Client, Site, assert_nothing_left, for_each_caller};
use serde_json::json;

#[track_caller]
fn until(client: &mut Client, text: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(text) {
        seen += client.note_of("exec/output")["text"].as_str().unwrap_or_default();
    }
    seen
}

#[test]
fn a_terminal_takes_keys_and_changes_its_size() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        // A shell's own `read` ends at a signal that it has a trap for.
        let script = "stty size; trap 'stty size' WINCH; tty; \
            while line=$(head -n 1); [ -n \"$line\" ]; do echo \"<$line>\"; done; echo over";
        let more = json!({ "exec": "t", "terminal": { "rows": 7, "columns": 33 } });
        let id = client.start(&session, &["sh", "-c", script], more);
        until(&mut client, "/dev/pts/");
        client.call("exec/write", json!({ "session": session, "exec": "t", "text": "key\n" }));
        until(&mut client, "<key>");
        client.call("exec/resize", json!({ "session": session, "exec": "t", "rows": 9, "columns": 44 }));
        client.call("exec/write", json!({ "session": session, "exec": "t", "text": "more\n" }));
        until(&mut client, "9 44");
        client.call("exec/closeStdin", json!({ "session": session, "exec": "t" }));
        assert_eq!(client.result(id)["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_signal_goes_to_what_is_in_the_foreground() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        // With job control each command of the shell leads a group of its own.
        let script = "set -m; trap 'echo shell' INT; sh -c 'trap \"echo inner; exit 3\" INT; echo up; while :; do sleep 0.1; done'; echo \"then $?\"";
        let more = json!({ "exec": "t", "terminal": { "rows": 24, "columns": 80 } });
        let id = client.start(&session, &["sh", "-c", script], more);
        until(&mut client, "up");
        client.call("exec/signal", json!({ "session": session, "exec": "t", "signal": "SIGINT" }));
        let seen = until(&mut client, "then 3");
        assert!(seen.contains("inner") && !seen.contains("shell"), "{seen}");
        assert_eq!(client.result(id)["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_terminal_of_no_size_is_one() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let more = json!({ "terminal": { "rows": 0, "columns": 0 } });
        let ended =
            client.exec_with(&session, &["sh", "-c", "stty size; test -t 0 && test -t 1 && test -t 2"], more);
        assert_eq!(ended["exitCode"], 0);
        assert_eq!(client.said("stdout"), "0 0\r\n");
        let (number, code) = client.refused(
            "exec/start",
            json!({ "session": session, "argv": ["true"], "terminal": { "rows": -1, "columns": 70_000 } }),
        );
        assert_eq!((number, code.as_str()), (-32602, "CLR-PARAMS"));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

/// Gives its terminal up (`TIOCNOTTY`), and does not hear the hang-up that follows.
const AWAY: &str =
    "$SIG{HUP} = 'IGNORE'; ioctl(STDIN, 0x5422, 0) or die; $| = 1; print \"away\\n\"; sleep 1000";

#[test]
fn a_signal_to_a_terminal_without_a_foreground_reaches_the_command_and_no_other_session() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let (session, other) = (client.session(&site), client.session(&site));
        let beside = client.running(&other, &["sleep", "1000"], json!({ "exec": "beside" }));
        let terminal = |exec: &str| json!({ "exec": exec, "terminal": { "rows": 24, "columns": 80 } });
        let killed = |exec: &str| json!({ "session": session, "exec": exec, "signal": "SIGKILL" });
        let away = client.start(&session, &["perl", "-e", AWAY], terminal("away"));
        until(&mut client, "away");
        client.call("exec/signal", killed("away"));
        assert_eq!(client.result(away)["outcome"]["signal"], 9);
        // And before there is one.
        let early = client.start(&session, &["sleep", "1000"], terminal("early"));
        client.call("exec/signal", killed("early"));
        assert_eq!(client.result(early)["outcome"]["signal"], 9);
        let waited = client.call("exec/wait", json!({ "session": other, "exec": "beside", "waitMs": 0 }));
        assert_eq!(waited["state"], "running");
        client.cancel(beside);
        assert_eq!(client.error(beside).0, -32800);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_size_that_comes_before_the_terminal_is_its_size() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        for (rows, columns) in [(9, 44), (0, 0)] {
            let exec = format!("of{rows}");
            let more = json!({ "exec": exec, "terminal": { "rows": 7, "columns": 33 } });
            let script = format!("until test -e {exec}; do sleep 0.01; done; stty size");
            let id = client.start(&session, &["sh", "-c", &script], more);
            let size = json!({ "session": session, "exec": exec, "rows": rows, "columns": columns });
            client.call("exec/resize", size);
            // By then it has its terminal.
            client.note_of("exec/started");
            client.call("fs/write", json!({ "session": session, "path": exec, "text": "" }));
            assert_eq!(client.result(id)["exitCode"], 0);
            assert_eq!(client.said("stdout"), format!("{rows} {columns}\r\n"));
        }
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
