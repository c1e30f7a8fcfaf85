//! Each standard stream is a terminal where the caller's is one, and what it was where it is not.

use std::time::{Duration, Instant};

use clearing_tests::{Site, for_each_caller};

use crate::seat::{PATIENCE, Seat};

/// In words of bash: input, output and error that are none.
const PIPES: [&str; 3] = ["< <(echo piped)", "> >(cat >out)", "2> >(cat >err)"];

#[test]
fn every_mix_of_terminals_and_pipes_arrives_as_it_is() {
    for mix in 1..8 {
        let is_terminal = |stream: usize| mix & (1 << stream) != 0;
        let redirected: String = (0..3)
            .filter(|stream| !is_terminal(*stream))
            .map(|stream| format!("{} ", PIPES[stream]))
            .collect();
        let kinds: Vec<_> = (0..3).map(|stream| if is_terminal(stream) { "t" } else { "p" }).collect();
        arrives(&redirected, &kinds.concat());
    }
}

#[test]
fn what_is_written_to_each_stream_comes_out_of_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let command = ["sh", "-c", "echo to output; echo to error >&2; cat; exit 3"];
        let mut seat = Seat::run(&site, &[], &command, "< <(echo piped) 2> >(cat >err)");
        let shown = seat.expect_end(3);
        assert!(shown.contains("to output\r\npiped\r\n"), "{shown:?}");
        file_with(&site, "err", "to error\n");
    });
}

#[test]
fn the_lines_of_a_pipeline_s_other_programs_come_out_straight() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let command = ["sh", "-c", "echo a; sleep 0.3; echo b; sleep 0.3; exit 3"];
        let mut seat = Seat::run(&site, &[], &command, "| while read line; do echo got $line; done");
        let shown = seat.expect_end(0);
        assert!(shown.contains("got a\r\ngot b\r\n"), "{shown:?}");
    });
}

#[test]
fn lines_that_only_the_output_shows_are_not_lengthened() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut seat = Seat::run(&site, &[], &["sh", "-c", "echo a; echo b"], "</dev/null");
        let shown = seat.expect_end(0);
        assert!(shown.starts_with("a\r\nb\r\n"), "{shown:?}");
    });
}

#[test]
fn a_line_is_read_in_a_pipeline_and_its_end_told() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let command = ["sh", "-c", "read line; echo got $line; cat; echo over"];
        let mut seat = Seat::run(&site, &[], &command, "| cat");
        seat.type_in("first\n");
        seat.expect("got first\r\n");
        seat.type_in("second\n");
        seat.expect("second\r\nsecond\r\n");
        seat.type_in("\x04");
        seat.expect("over\r\n");
        seat.expect_end(0);
    });
}

#[test]
fn json_leaves_the_input_a_terminal() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut seat =
            Seat::run(&site, &["--json"], &["sh", "-c", "test -t 0 && read line && echo got $line"], "");
        seat.type_in("typed\n");
        seat.expect(r#""text":"got typed\n""#);
        seat.expect_end(0);
    });
}

/// `kinds`: one letter a stream, `t` for a terminal and `p` for none.
#[track_caller]
fn arrives(redirected: &str, kinds: &str) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let look =
            "exec 3>seen; for stream in 0 1 2; do test -t $stream && printf t >&3 || printf p >&3; done
            stty size </dev/tty >>seen; cat seen >&2; cat seen; exit 3";
        let mut seat = Seat::run(&site, &[], &["sh", "-c", look], redirected);
        let shown = seat.expect_end(3);
        let expected = format!("{kinds}24 80");
        match kinds.as_bytes() {
            [_, b't', _] | [_, _, b't'] => assert!(shown.contains(&expected), "{redirected}: {shown:?}"),
            _ => file_with(&site, "out", &expected),
        }
    });
}

/// Waits until a file in the project holds a text: its writer is a program of its own.
#[track_caller]
fn file_with(site: &Site, name: &str, text: &str) {
    let end = Instant::now() + PATIENCE;
    let held = || std::fs::read_to_string(site.project().join(name)).unwrap_or_default();
    while !held().contains(text) {
        assert!(Instant::now() < end, "{name}: {:?} instead of {text:?}", held());
        std::thread::sleep(Duration::from_millis(5));
    }
}
