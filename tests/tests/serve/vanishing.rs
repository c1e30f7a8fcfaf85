//! A client that is no more: what it began comes to its end or is ended, and nothing is left.

use clearing_tests::{Client, Site, assert_nothing_left, for_each_caller};
use nix::sys::signal::Signal;
use serde_json::json;

/// A server whose client has a command running that writes when it ends by itself.
fn busy(site: &Site, options: &[&str], seconds: &str) -> Client {
    let mut client = site.serve(options);
    let made = json!({ "workspace": site.project(), "name": "work" });
    client.call("session/create", made);
    let script = format!("sleep {seconds}; echo done > done");
    client.running("work", &["sh", "-c", &script], json!({ "exec": "w" }));
    client
}

fn is_done(site: &Site) -> bool {
    site.clearing(["diff", "work", "--name-status"]).output().stdout.contains("done")
}

#[test]
fn at_the_end_of_input_commands_come_to_their_end_and_are_answered() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = busy(&site, &[], "0.5");
        client.close_input();
        assert_eq!(client.note_of("exec/exited")["outcome"]["exitCode"], 0);
        assert_eq!(client.wait(), 0);
        assert!(is_done(&site));
        assert_nothing_left(&site);
    });
}

#[test]
fn at_the_end_of_input_commands_are_ended_where_that_is_wanted() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = busy(&site, &["--on-eof", "kill"], "1000");
        client.close_input();
        assert_eq!(client.note_of("exec/exited")["outcome"]["cause"], "cancelled");
        assert_eq!(client.wait(), 0);
        assert!(!is_done(&site));
        assert_nothing_left(&site);
    });
}

#[test]
fn what_is_said_twice_changes_nothing() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = busy(&site, &[], "0.5");
        assert_eq!(client.refused("initialize", json!({ "onEof": "kill" })).0, -32600);
        client.close_input();
        assert_eq!(client.note_of("exec/exited")["outcome"]["cause"], "exit");
        assert_eq!(client.wait(), 0);
        assert!(is_done(&site));
        assert_nothing_left(&site);
    });
}

#[test]
fn a_client_that_vanishes_mid_command_leaves_nothing() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        // Nobody ever reads, so that closing the output is the end of its last reader.
        let mut client = site.serve_silent([] as [&str; 0]);
        client.ask("initialize", json!({}));
        client.read_line();
        client.ask("session/create", json!({ "workspace": site.project(), "name": "work" }));
        assert_eq!(client.read_line()["result"]["name"], "work");
        client.start("work", &["sh", "-c", "echo begun > done; exec sleep 1000"], json!({}));
        while !is_done(&site) {}
        client.close_output();
        client.close_input();
        assert_eq!(client.wait(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_server_that_is_told_to_end_leaves_nothing() {
    for_each_caller(|caller| {
        for signal in [Signal::SIGTERM, Signal::SIGINT] {
            let site = Site::new(caller);
            let mut client = busy(&site, &[], "1000");
            client.signal(signal);
            assert_eq!(client.note_of("exec/exited")["outcome"]["cause"], "cancelled");
            assert_eq!(client.wait(), 0);
            assert_nothing_left(&site);
        }
    });
}

#[test]
fn a_server_that_is_killed_leaves_nothing_either() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let client = busy(&site, &[], "1000");
        drop(client);
        // What it held is whole, and free.
        let output = site.clearing(["exec", "work", "--", "true"]).output();
        output.expect_code(0);
        assert_nothing_left(&site);
    });
}
