//! The end of a sandbox: told to whoever waits, and the session is as the last command left it.

use std::time::Duration;

use clearing_tests::{Site, assert_nothing_left, children, for_each_caller};
use nix::sys::signal::{Signal, kill};
use serde_json::json;

#[test]
fn a_sandbox_whose_init_is_killed_ends_its_session_and_no_other() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let one = client.call("session/create", json!({ "workspace": site.project(), "name": "one" }));
        let one = one["session"].as_str().unwrap().to_owned();
        // The only one yet.
        let inits = descendants(client.pid());
        let other = client.session(&site);
        let id = client.start(&one, &["sh", "-c", "echo kept > a; exec sleep 1000"], json!({ "exec": "s" }));
        while !site.clearing(["diff", "one", "--name-status"]).output().stdout.contains('a') {}
        let init = inits.into_iter().find(|pid| is_init(*pid)).unwrap();
        kill(init, Signal::SIGKILL).unwrap();
        let ended = client.result(id);
        assert_eq!(ended["outcome"]["cause"], "init", "{ended}");
        let held = |client: &mut clearing_tests::Client| {
            client.call("health", json!({}))["sessions"].as_u64().unwrap()
        };
        while held(&mut client) > 1 {}
        assert_eq!(client.exec(&other, &["true"])["exitCode"], 0);
        client.call("session/create", json!({ "session": "one" }));
        assert_eq!(client.exec("one", &["grep", "-q", "kept", "a"])["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_sandbox_that_ends_while_something_is_done_in_it_ends_its_session() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        client.call("session/create", json!({ "workspace": site.project(), "name": "one" }));
        client.exec("one", &["sh", "-c", "echo kept > a"]);
        let init = descendants(client.pid()).into_iter().find(|pid| is_init(*pid)).unwrap();
        kill(init, Signal::SIGSTOP).unwrap();
        // It waits for the answer of an init that will give none.
        let asked = client.ask("snapshot/create", json!({ "session": "one" }));
        std::thread::sleep(std::time::Duration::from_secs(1));
        kill(init, Signal::SIGKILL).unwrap();
        assert_eq!(client.error(asked), (-32000, "CLR-ENDED".into()));
        let told = client.note_of("session/changed");
        assert_eq!((&told["what"], &told["why"]), (&json!("ended"), &json!("sandbox")), "{told}");
        assert_eq!(client.call("health", json!({}))["sessions"], 0);
        client.call("session/create", json!({ "session": "one" }));
        assert_eq!(client.exec("one", &["grep", "-q", "kept", "a"])["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

pub(crate) fn descendants(pid: nix::unistd::Pid) -> Vec<nix::unistd::Pid> {
    let own = children(pid);
    own.iter().flat_map(|child| descendants(*child)).chain(own.clone()).collect()
}

/// Whether it is the first process of a PID namespace.
pub(crate) fn is_init(pid: nix::unistd::Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("NSpid:")).unwrap_or_default();
    line.split_whitespace().count() > 2 && line.ends_with("\t1")
}

#[test]
fn who_reads_slowly_at_the_end_is_told_all() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve_silent([] as [&str; 0]);
        client.ask("initialize", json!({}));
        client.read_line();
        client.ask("session/create", json!({ "workspace": site.project(), "name": "much" }));
        client.read_line();
        let id = client.start("much", &["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x"], json!({}));
        client.close_input();
        // Longer than a client that is gone is waited for.
        std::thread::sleep(Duration::from_secs(4));
        client.listen();
        assert_eq!(client.result(id)["exitCode"], 0);
        assert_eq!(client.said("stdout").len(), 3_000_000);
        assert_eq!(client.wait(), 0);
        assert_nothing_left(&site);
    });
}
