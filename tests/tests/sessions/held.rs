//! Whoever looks at a session is told who is at work on it.

use std::time::{Duration, Instant};

use clearing_tests::{Site, for_each_caller, patience};
use nix::sys::signal::Signal;
use serde_json::Value;

#[test]
fn inspect_tells_who_holds_a_session_as_long_as_somebody_does() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.clearing(["create", "--name", "fix"]).output().expect_code(0);
        let holder = || {
            let output = site.clearing(["inspect", "--json", "fix"]).output();
            serde_json::from_str::<Value>(&output.expect_code(0).stdout).unwrap()["holder"].clone()
        };
        assert_eq!(holder(), Value::Null);
        let script = "echo begun; sleep 60";
        let running = site.clearing(["exec", "fix"]).command(["sh", "-c", script]).spawn();
        running.expect_printed("begun");
        let held = holder();
        assert_eq!(held["verb"], "exec", "{held}");
        assert!(held["pid"].is_u64() && held["since"].is_string(), "{held}");
        let told = site.clearing(["inspect", "fix"]).output();
        told.expect_code(0).expect_stdout(&format!("held       `clearing exec` of process {}", held["pid"]));
        running.signal(Signal::SIGTERM);
        running.wait().expect_code(143);
        // The sandbox holds it too, and may take a moment to end.
        let until = Instant::now() + patience(Duration::from_secs(30));
        while holder() != Value::Null {
            assert!(Instant::now() < until, "still held by {}", holder());
        }
    });
}
