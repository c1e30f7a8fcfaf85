//! Limits of one command, beside others.

use std::thread::sleep;
use std::time::Duration;

use clearing_tests::{Site, assert_nothing_left, children, for_each_caller};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::json;

#[test]
fn output_beyond_its_limit_ends_the_command_and_no_other() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        client.start(&session, &["sleep", "1000"], json!({ "exec": "other", "yieldMs": 0 }));
        let ended =
            client.exec_with(&session, &["yes"], json!({ "exec": "y", "limits": { "output": 100_000 } }));
        assert_eq!(ended["outcome"]["cause"], "output", "{ended}");
        let bytes: usize = client
            .notes()
            .iter()
            .filter(|note| note["params"]["exec"] == "y")
            .filter_map(|note| Some(note["params"]["text"].as_str()?.len()))
            .sum();
        assert_eq!(bytes, 100_000);
        let other = client.call("exec/wait", json!({ "session": session, "exec": "other", "waitMs": 0 }));
        assert_eq!(other["state"], "running");
        client.call("session/destroy", json!({ "session": session }));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn what_is_written_where_nobody_may_look_counts_beside_what_works_for_init() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let script = "mkdir closed; exec 5>closed/large; chmod 000 closed; \
                      dd if=/dev/zero bs=1M count=400 >&5; sleep 1000";
        let mut attempt = || {
            // From here on there is one that begins commands, of the lowest number, for two seconds.
            client.exec(&session, &["true"]);
            let limits = json!({ "limits": { "disk": "20M" }, "timeoutMs": 1500 });
            let ended = client.exec_with(&session, &["sh", "-c", script], limits);
            client.exec(&session, &["chmod", "700", "closed"]);
            client.exec(&session, &["rm", "-r", "closed"]);
            ended["outcome"]["cause"] == "disk"
        };
        assert!((0..5).any(|_| attempt()), "what is written there is not counted");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn what_a_command_says_last_of_all_is_in_its_outcome() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        // More than is read of one command before others have their turn, and more than the limit.
        let script = "import fcntl, os, time
fcntl.fcntl(1, 1031, 1 << 20) # F_SETPIPE_SZ
time.sleep(0.3)
os.write(1, b'x' * 600_000)";
        let limited = json!({ "exec": "last", "limits": { "output": 300_000 } });
        let id = client.running(&session, &["python3", "-c", script], limited);
        client.signal(Signal::SIGSTOP);
        while is_below(client.pid(), "python3") {
            sleep(Duration::from_millis(5));
        }
        // Init tells of the end meanwhile.
        sleep(Duration::from_millis(100));
        client.signal(Signal::SIGCONT);
        let ended = client.result(id);
        assert_eq!(client.said("stdout").len(), 300_000);
        let outcome = &ended["outcome"];
        assert_eq!(outcome["truncated"]["stdout"], 300_000, "{outcome}");
        assert_eq!(outcome["cause"], "output", "{outcome}");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

/// Whether something runs that a process has started, itself or by others.
fn is_below(process: Pid, name: &str) -> bool {
    let is = |child: Pid| {
        std::fs::read_to_string(format!("/proc/{child}/comm")).is_ok_and(|comm| comm.trim_end() == name)
    };
    children(process).into_iter().any(|child| is(child) || is_below(child, name))
}
