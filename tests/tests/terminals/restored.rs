//! The caller's terminal is as it was after every kind of end.

use clearing_tests::{Site, assert_nothing_left, children, for_each_caller, init_of};
use nix::sys::signal::{Signal, kill, killpg};

use crate::seat::Seat;

#[test]
fn after_an_ordinary_end() {
    ends(&[], &["sh", "-c", "exit 3"], 3);
}

#[test]
fn after_an_end_by_a_signal() {
    ends(&[], &["sh", "-c", "kill -9 $$"], 137);
}

#[test]
fn after_a_command_that_left_its_own_terminal_raw() {
    ends(&[], &["sh", "-c", "stty raw -echo -isig; exit 3"], 3);
}

#[test]
fn after_the_deadline() {
    ends(&["--timeout", "300ms"], &["sleep", "60"], 124);
}

#[test]
fn after_a_command_that_was_not_found() {
    ends(&[], &["no-such-command"], 127);
}

#[test]
fn after_a_refusal() {
    ends(&["-w", "/"], &["true"], 125);
}

#[test]
fn after_a_set_up_that_failed() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        // More than the shell's own limit allows.
        let mut seat = Seat::run(&site, &[], &["true"], r#"| cat; ulimit -n 256; "$@""#);
        seat.expect_end(125);
    });
}

#[test]
fn after_sigterm_to_the_supervisor() {
    ends_by(Signal::SIGTERM, "ended 143");
}

#[test]
fn after_sigkill_to_the_supervisor() {
    ends_by(Signal::SIGKILL, "ended 137");
}

#[test]
fn after_a_fault_of_the_supervisor() {
    ends_by(Signal::SIGABRT, "ended 134");
}

#[test]
fn after_sigkill_to_the_whole_process_group_of_an_interactive_shell_s_job() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut seat = Seat::interactive(&site);
        seat.line("stty -g >before", crate::seat::PROMPT);
        seat.line("$C run -- sh -c 'echo waiting; sleep 60'", "waiting\r\n");
        killpg(seat.supervisor(), Signal::SIGKILL).unwrap();
        seat.expect("Killed");
        seat.expect(crate::seat::PROMPT);
        seat.line("stty -g | cmp - before && echo same", "same\r\n");
    });
}

#[test]
fn after_sigkill_to_init() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut seat = waiting(&site);
        kill(init_of(seat.supervisor()).unwrap(), Signal::SIGKILL).unwrap();
        seat.expect_end(125);
    });
}

#[test]
fn after_sigkill_to_the_command() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut seat = waiting(&site);
        let init = init_of(seat.supervisor()).unwrap();
        kill(children(init)[0], Signal::SIGKILL).unwrap();
        seat.expect_end(137);
    });
}

#[track_caller]
fn ends(options: &[&str], command: &[&str], code: i32) {
    for_each_caller(|caller| {
        Seat::run(&Site::new(caller), options, command, "").expect_end(code);
    });
}

#[track_caller]
fn ends_by(signal: Signal, shown: &str) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut seat = waiting(&site);
        seat.signal(signal);
        seat.expect(shown);
        seat.expect_restored();
        drop(seat);
        site.run(["true"]).output().expect_code(0);
        assert_nothing_left(&site);
    });
}

/// A command that has the terminal and waits.
#[track_caller]
fn waiting(site: &Site) -> Seat {
    let mut seat = Seat::run(site, &[], &["sh", "-c", "echo waiting; exec sleep 60"], "");
    seat.expect("waiting\r\n");
    seat.expect_taken();
    seat
}
