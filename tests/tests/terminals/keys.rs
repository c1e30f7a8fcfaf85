//! Keys, sizes and signals reach the command as on a terminal of its own.
//!
//! Scripts `exec` what they wait in: `dash` loses a Ctrl-C that comes while it forks.

use clearing_tests::{Site, for_each_caller};

use crate::seat::Seat;

#[test]
fn the_terminal_has_a_name_and_the_caller_s_size() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut seat = Seat::run(&site, &[], &["sh", "-c", "tty; stty size"], "");
        let shown = seat.expect_end(0);
        assert!(shown.contains("/dev/pts/0\r\n24 80\r\n"), "{shown:?}");
    });
}

#[test]
fn a_new_size_is_told_inside() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "trap 'stty size; exit 4' WINCH; echo waiting; while :; do sleep 0.05; done";
        let mut seat = Seat::run(&site, &[], &["sh", "-c", script], "");
        seat.expect("waiting\r\n");
        seat.terminal.resize(50, 132);
        seat.expect("50 132\r\n");
        seat.expect_end(4);
    });
}

#[test]
fn a_size_that_changes_during_the_set_up_is_seen() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "until stty size | grep '40 100'; do sleep 0.05; done";
        let mut seat = Seat::run(&site, &[], &["sh", "-c", script], "");
        seat.terminal.resize(40, 100);
        let shown = seat.expect_end(0);
        assert!(shown.contains("40 100\r\n"), "{shown:?}");
    });
}

#[test]
fn ctrl_c_interrupts_the_command() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut seat = Seat::run(&site, &[], &["sh", "-c", "echo waiting; exec sleep 60"], "");
        seat.expect("waiting\r\n");
        seat.type_in("\x03");
        seat.expect_end(130);
    });
}

#[test]
fn ctrl_c_can_be_handled_and_the_command_goes_on() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "trap 'echo handled; on=1' INT; echo waiting; while [ -z $on ]; do sleep 0.05; done; echo on; exit 5";
        let mut seat = Seat::run(&site, &[], &["sh", "-c", script], "");
        seat.expect("waiting\r\n");
        seat.type_in("\x03");
        seat.expect("handled\r\non\r\n");
        seat.expect_end(5);
    });
}

#[test]
fn ctrl_c_in_a_pipeline_interrupts_the_command() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut seat = Seat::run(&site, &[], &["sh", "-c", "echo waiting; exec sleep 60"], "| cat");
        seat.expect("waiting\r\n");
        seat.type_in("\x03");
        seat.expect_end(130);
    });
}

#[test]
fn ctrl_backslash_quits_the_command() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut seat = Seat::run(&site, &[], &["sh", "-c", "echo waiting; exec sleep 60"], "");
        seat.expect("waiting\r\n");
        seat.type_in("\x1c");
        seat.expect_end(131);
    });
}

#[test]
fn ctrl_d_ends_the_input() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut seat = Seat::run(&site, &[], &["sh", "-c", "cat; echo over"], "");
        seat.type_in("typed\n");
        seat.expect("typed\r\ntyped\r\n");
        seat.type_in("\x04");
        seat.expect("over\r\n");
        seat.expect_end(0);
    });
}

#[test]
fn what_was_typed_ahead_is_read() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut seat = Seat::run(&site, &[], &["sh", "-c", "sleep 0.3; read line; echo got $line"], "");
        seat.type_in("ahead\n");
        seat.expect("got ahead\r\n");
        seat.expect_end(0);
    });
}

#[test]
fn a_program_that_sets_its_terminal_raw_gets_every_key() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "stty raw -echo; echo waiting; dd bs=1 count=6 2>/dev/null | od -An -tx1; stty sane";
        let mut seat = Seat::run(&site, &[], &["sh", "-c", script], "");
        seat.expect("waiting");
        seat.type_in("a\x03\x04\x1a\r\x1b");
        seat.expect("61 03 04 1a 0d 1b");
        seat.expect_end(0);
    });
}

#[test]
fn a_pager_is_used_with_single_keys() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "seq 1000 | TERM=vt100 less; echo paged";
        let mut seat = Seat::run(&site, &[], &["sh", "-c", script], "");
        seat.expect("23");
        seat.type_in("G");
        seat.expect("1000");
        seat.type_in("q");
        seat.expect("paged\r\n");
        seat.expect_end(0);
    });
}

#[test]
fn a_secret_that_is_typed_is_not_echoed() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "stty -echo; echo password:; read word; stty echo; echo ${#word} letters";
        let mut seat = Seat::run(&site, &[], &["sh", "-c", script], "");
        seat.expect("password:\r\n");
        seat.type_in("hidden\n");
        let shown = seat.expect_end(0);
        assert!(shown.contains("6 letters") && !shown.contains("hidden"), "{shown:?}");
    });
}

#[test]
fn dev_tty_is_the_terminal_even_when_every_stream_was_closed_for_a_while() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "exec </dev/null >/dev/null 2>&1; sleep 0.3; echo back >/dev/tty; exit 3";
        let mut seat = Seat::run(&site, &[], &["sh", "-c", script], "");
        let shown = seat.expect_end(3);
        assert!(shown.contains("back\r\n"), "{shown:?}");
    });
}
