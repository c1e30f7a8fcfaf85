//! `--max-sandboxes`: so many live on a state directory, and the others come in the order of asking.

use std::sync::PoisonError;
use std::time::Duration;

use clearing_tests::{Run, Running, Site, assert_nothing_left, for_each_caller};
use nix::sys::signal::Signal;

use crate::HOST;

#[test]
fn whoever_comes_when_all_places_are_taken_waits_and_is_told_where() {
    for_each_caller(|caller| {
        let _beside = HOST.read().unwrap_or_else(PoisonError::into_inner);
        let site = Site::new(caller);
        let (first, second) = (living(&site, 2), living(&site, 2));
        let third = limited(&site, 2, ["echo", "third"]).arg("--json").spawn();
        third.expect_printed(r#"{"type":"queued","position":1}"#);
        let fourth = limited(&site, 2, ["echo", "fourth"]).arg("--json").spawn();
        fourth.expect_printed(r#"{"type":"queued","position":2}"#);
        std::thread::sleep(Duration::from_millis(200));
        assert!(!third.printed_so_far().contains("outcome"), "{}", third.printed_so_far());
        end(first);
        assert!(third.wait().expect_code(0).stdout.contains("third"));
        assert!(fourth.wait().expect_code(0).stdout.contains("fourth"));
        end(second);
        assert_nothing_left(&site);
    });
}

#[test]
fn whoever_does_not_want_to_wait_is_told_that_it_is_busy() {
    for_each_caller(|caller| {
        let _beside = HOST.read().unwrap_or_else(PoisonError::into_inner);
        let site = Site::new(caller);
        let first = living(&site, 1);
        let refused = limited(&site, 1, ["true"]).args(["--no-wait", "--json"]).output();
        refused.expect_code(125).expect_stdout(r#""code":"CLR-BUSY""#);
        assert!(refused.stderr.contains("--max-sandboxes"), "{refused}");
        end(first);
        limited(&site, 1, ["true"]).arg("--no-wait").output().expect_code(0);
    });
}

#[test]
fn the_killed_make_room_whether_they_lived_or_waited() {
    for_each_caller(|caller| {
        let _beside = HOST.read().unwrap_or_else(PoisonError::into_inner);
        let site = Site::new(caller);
        let first = living(&site, 1);
        let second = limited(&site, 1, ["true"]).spawn();
        second.expect_told("place 1");
        let third = limited(&site, 1, ["true"]).spawn();
        third.expect_told("place 2");
        second.signal(Signal::SIGKILL);
        first.signal(Signal::SIGKILL);
        third.wait().expect_code(0);
        assert_eq!((first.wait().signal, second.wait().signal), (Some(9), Some(9)));
        site.run(["true"]).output().expect_code(0);
        assert_nothing_left(&site);
    });
}

#[test]
fn the_time_in_the_queue_is_no_time_of_the_command() {
    for_each_caller(|caller| {
        let _beside = HOST.read().unwrap_or_else(PoisonError::into_inner);
        let site = Site::new(caller);
        let first = living(&site, 1);
        let second = limited(&site, 1, ["true"]).args(["--timeout", "4s"]).spawn();
        second.expect_told("place 1");
        std::thread::sleep(Duration::from_millis(4500));
        end(first);
        second.wait().expect_code(0);
    });
}

#[test]
fn a_number_that_cannot_be_is_refused() {
    for_each_caller(|caller| {
        let _beside = HOST.read().unwrap_or_else(PoisonError::into_inner);
        let site = Site::new(caller);
        for number in ["0", "-1", "many", "99999999999"] {
            let refused = site.run(["true"]).arg(format!("--max-sandboxes={number}")).output();
            assert!(refused.stderr.contains("--max-sandboxes"), "{refused}");
            assert_ne!(refused.code, Some(0), "{refused}");
        }
    });
}

fn limited<'s, const N: usize>(site: &'s Site, limit: u32, command: [&str; N]) -> Run<'s> {
    site.run(command).args(["--max-sandboxes", &limit.to_string()])
}

/// One that has its place.
fn living(site: &Site, limit: u32) -> Running {
    let running = limited(site, limit, ["sh", "-c", "echo ready; exec sleep 600"]).spawn();
    running.expect_printed("ready\n");
    running
}

fn end(running: Running) {
    running.signal(Signal::SIGTERM);
    running.wait();
}
