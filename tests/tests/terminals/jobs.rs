//! Job control: inside, in an interactive shell; outside, of `clearing` as a job of the caller's.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};

use crate::seat::{PROMPT, Seat};

#[test]
fn an_interactive_shell_inside_stops_and_continues_its_jobs() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let command = ["env", "PS1=inside> ", "bash", "--norc", "--noprofile", "-i"];
        let mut seat = Seat::run(&site, &[], &command, "");
        let first = seat.expect("inside> ");
        assert!(!first.contains("job control"), "{first}");
        seat.type_in("sleep 60\n");
        seat.expect_foreground("sleep");
        seat.type_in("\x1a");
        seat.expect("Stopped");
        seat.expect("inside> ");
        seat.line("bg; jobs", "Running");
        seat.expect("inside> ");
        seat.line("fg", "sleep 60");
        seat.expect_foreground("sleep");
        seat.type_in("\x03");
        seat.expect("inside> ");
        seat.line("echo code $?", "code 130\r\n");
        seat.line("exit 7", "ended 7\r\n");
        seat.expect_restored();
    });
}

#[test]
fn ctrl_c_reaches_the_foreground_job_only() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let command = ["env", "PS1=inside> ", "bash", "--norc", "--noprofile", "-i"];
        let mut seat = Seat::run(&site, &[], &command, "");
        seat.expect("inside> ");
        seat.line("sleep 61 &", "inside> ");
        seat.type_in("sleep 60\n");
        seat.expect_foreground("sleep");
        seat.type_in("\x03");
        seat.expect("inside> ");
        seat.line("jobs", "Running");
        seat.line("exit", "ended");
    });
}

#[test]
fn a_background_start_neither_takes_the_terminal_nor_stops() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut seat = Seat::interactive(&site);
        site.write("waits", "trap 'echo done inside; exit' USR1\nsleep 600 &\nwait\n");
        seat.line("$C run -- sh waits &", PROMPT);
        seat.line("echo typed meanwhile", "typed meanwhile\r\n");
        seat.line("jobs", "Running");
        seat.expect_inside("sleep");
        seat.type_in("kill -USR1 %1\n");
        seat.expect("done inside");
        seat.type_in("wait; jobs; echo all over\n");
        let shown = seat.expect("all over\r\n");
        assert!(!shown.contains("Stopped"), "{shown}");
        assert_nothing_left_but_the_shell(&mut seat, &site);
    });
}

#[test]
fn a_background_start_is_brought_to_the_foreground_and_gets_the_keys() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut seat = Seat::interactive(&site);
        seat.line("$C run -- sh -c 'read line; echo got $line' &", PROMPT);
        seat.line("fg", "read line");
        seat.type_in("mine\n");
        seat.expect("got mine\r\n");
        seat.expect(PROMPT);
        assert_nothing_left_but_the_shell(&mut seat, &site);
    });
}

#[test]
fn a_stopped_supervisor_gives_the_terminal_back_and_goes_on_with_fg() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut seat = Seat::interactive(&site);
        seat.line("stty -g >before", PROMPT);
        seat.line("$C run -- sh -c 'echo waiting; cat; exit 4'", "waiting\r\n");
        seat.signal(nix::sys::signal::Signal::SIGTSTP);
        seat.expect("Stopped");
        seat.expect(PROMPT);
        seat.line("stty -g | cmp - before && echo same", "same\r\n");
        seat.expect(PROMPT);
        seat.line("fg", "\n");
        seat.type_in("typed\n");
        seat.expect("typed\r\ntyped\r\n");
        seat.type_in("\x04");
        seat.expect(PROMPT);
        seat.line("echo code $?", "code 4\r\n");
        seat.line("stty -g | cmp - before && echo same", "same\r\n");
    });
}

#[test]
fn a_supervisor_that_was_stopped_by_force_goes_on_in_the_background() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut seat = Seat::interactive(&site);
        site.write("waits", "trap 'exit 4' USR1\necho waiting\nsleep 600 &\nwait\n");
        seat.line("$C run -- sh waits", "waiting\r\n");
        seat.signal(nix::sys::signal::Signal::SIGSTOP);
        seat.expect("Stopped");
        seat.expect(PROMPT);
        seat.line("bg; kill -USR1 %1; wait %1; echo code $?", "code 4\r\n");
        seat.line("echo typed", "typed\r\n");
    });
}

#[track_caller]
fn assert_nothing_left_but_the_shell(seat: &mut Seat, site: &Site) {
    seat.type_in("exit\n");
    seat.expect("exit");
    assert_nothing_left(site);
}
