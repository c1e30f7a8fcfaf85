//! A signal that comes while the sandbox is set up is not lost.

use std::time::Duration;

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use nix::sys::signal::Signal;

#[test]
fn sigterm_ends_the_run_whenever_it_comes() {
    ends_whenever_it_comes(Signal::SIGTERM);
}

#[test]
fn sigint_ends_the_run_whenever_it_comes() {
    ends_whenever_it_comes(Signal::SIGINT);
}

#[test]
fn a_stop_and_a_continue_at_any_moment_do_not_stall_the_run() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for moment in moments() {
            let running = site.run(["sh", "-c", "sleep 0.05; exit 6"]).spawn();
            std::thread::sleep(moment);
            running.signal(Signal::SIGTSTP);
            std::thread::sleep(Duration::from_millis(1));
            running.signal(Signal::SIGCONT);
            running.wait().expect_code(6);
        }
    });
}

#[track_caller]
fn ends_whenever_it_comes(signal: Signal) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for moment in moments() {
            let running = site.run(["sleep", "60"]).spawn();
            std::thread::sleep(moment);
            running.signal(signal);
            let output = running.wait();
            // Before there is anything to hand it to, it ends `clearing` itself.
            let told = output.code == Some(128 + signal as i32) || output.signal == Some(signal as i32);
            assert!(told, "after {moment:?}: {output}");
        }
        site.run(["true"]).output().expect_code(0);
        assert_nothing_left(&site);
    });
}

/// From the start of the process to well within the command.
fn moments() -> impl Iterator<Item = Duration> {
    (0..40).map(|step| Duration::from_micros(step * 500))
}
