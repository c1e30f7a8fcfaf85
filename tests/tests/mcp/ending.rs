//! A client that is no more, and what becomes of its session.

use std::time::{Duration, Instant};

use clearing_tests::{Site, assert_nothing_left, for_each_caller, patience};
use nix::sys::signal::Signal;
use serde_json::json;

use crate::Mcp;
use crate::driver::hello;

/// Ids of the sessions on disk.
fn sessions(site: &Site) -> Vec<String> {
    let listed = site.clearing(["ls", "--json"]).output();
    let lines = listed.expect_code(0).stdout.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.map(|line: serde_json::Value| line["session"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_session_with_changes_stays_and_is_gone_on_with_and_an_empty_one_goes() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &[]);
        mcp.shell("ls");
        assert_eq!(mcp.finish(), 0);
        assert_eq!(sessions(&site), [] as [&str; 0]);
        let mut mcp = Mcp::begin(&site, &["--keep"]);
        mcp.shell("ls");
        assert_eq!(mcp.finish(), 0);
        let kept = sessions(&site);
        assert_eq!(kept.len(), 1);
        let mut mcp = Mcp::begin(&site, &["--session", &kept[0]]);
        mcp.shell("echo new > new");
        assert_eq!(mcp.finish(), 0);
        let mut mcp = Mcp::begin(&site, &["--session", &kept[0], "--discard"]);
        assert_eq!(mcp.call("read_file", json!({ "path": "new" }))["text"], "new\n");
        assert_eq!(mcp.finish(), 0);
        assert_eq!(sessions(&site), [] as [&str; 0]);
        // Who calls nothing makes none.
        let mut mcp = Mcp::begin(&site, &["--keep"]);
        mcp.ask("tools/list", json!({}));
        assert_eq!(mcp.finish(), 0);
        assert_eq!(sessions(&site), [] as [&str; 0]);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_client_that_vanishes_mid_call_leaves_no_process() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        // Nobody ever reads on, so that closing the output is the end of its last reader.
        let mut client = site.mcp([] as [&str; 0]);
        client.ask("initialize", hello());
        client.read_line();
        let arguments = json!({ "shell": "echo begun > mark; exec sleep 1000" });
        client.ask("tools/call", json!({ "name": "run", "arguments": arguments }));
        while sessions(&site).is_empty() {}
        let id = sessions(&site).remove(0);
        let is_begun = || site.clearing(["diff", &id, "--name-status"]).output().stdout.contains("mark");
        while !is_begun() {}
        client.close_output();
        client.close_input();
        let since = Instant::now();
        assert_eq!(client.wait(), 0);
        assert!(since.elapsed() < patience(Duration::from_secs(4)), "{:?}", since.elapsed());
        assert!(is_begun());
        assert_nothing_left(&site);
    });
}

#[test]
fn what_ends_soon_is_answered_at_the_end_of_input_and_what_does_not_is_ended() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &["--discard"]);
        mcp.shell("true");
        let soon = mcp.start("run", json!({ "shell": "sleep 0.5; echo done" }));
        mcp.start("run", json!({ "argv": ["sleep", "1000"] }));
        mcp.client.close_input();
        assert_eq!(mcp.client.result(soon)["structuredContent"]["stdout"], "done\n");
        assert_eq!(mcp.client.wait(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_server_that_is_told_to_end_leaves_nothing() {
    for_each_caller(|caller| {
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
            let site = Site::new(caller);
            let mut mcp = Mcp::begin(&site, &[]);
            mcp.call("exec_start", json!({ "argv": ["sleep", "1000"] }));
            mcp.start("run", json!({ "argv": ["sleep", "1000"] }));
            mcp.client.signal(signal);
            assert_eq!(mcp.client.wait(), 0);
            assert_eq!(sessions(&site), [] as [&str; 0]);
            assert_nothing_left(&site);
        }
    });
}

#[test]
fn a_sandbox_that_was_not_used_is_made_again_by_the_next_call() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &["--idle", "300ms", "--discard"]);
        mcp.shell("echo new > new");
        std::thread::sleep(Duration::from_millis(600));
        assert_eq!(mcp.shell("cat new")["stdout"], "new\n");
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn what_cannot_be_worked_on_is_told_before_anything_begins() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for (options, code) in [
            (&["-w", "/"][..], "root directory"),
            (&["-w", "/no/such/place"], "/no/such/place"),
            (&["-p", "no-such"], "no-such"),
            (&["--session", "no-such"], "no-such"),
        ] {
            let output = site.clearing(["mcp"]).args(options).output();
            output.expect_code(125).expect_stderr(code);
            assert_eq!(output.stdout, "");
        }
        assert_nothing_left(&site);
    });
}
