//! What is much comes whole and in order.

use std::time::Duration;

use clearing_tests::{DEADLINE, Site, for_each_caller};

use crate::seat::Seat;

#[test]
fn ten_megabytes_of_output_are_shown_whole_and_in_order() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut seat = Seat::run(&site, &[], &["seq", "1", "1300000"], "");
        let shown = seat.expect("ended 0\r\n");
        let numbers = shown.split("\r\n").map_while(|line| line.parse::<u32>().ok());
        assert!(shown.len() > 10_000_000, "{}", shown.len());
        assert!(numbers.eq(1..=1_300_000), "lines are lost or out of order");
    });
}

#[test]
fn a_paste_of_a_hundred_kilobytes_arrives_whole_and_in_order() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "stty -echo; echo waiting; cat >pasted; wc -c <pasted; cksum <pasted";
        let mut seat = Seat::run(&site, &[], &["sh", "-c", script], "");
        seat.expect("waiting\r\n");
        let pasted: String = (0..2000).map(|line| format!("{line:049}\n")).collect();
        assert_eq!(seat.terminal.paste(&pasted, DEADLINE), pasted.len());
        seat.type_in("\x04");
        let shown = seat.expect_end(0);
        let sum = cksum(&site, &pasted);
        assert!(shown.contains("100000\r\n") && shown.contains(&sum), "{shown:?} instead of {sum}");
    });
}

#[test]
fn a_paste_that_nobody_reads_stalls_neither_output_nor_deadline() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "stty raw -echo; echo waiting; sleep 0.5; seq 100000; sleep 60";
        let mut seat = Seat::run(&site, &["--timeout", "12s"], &["sh", "-c", script], "");
        seat.expect("waiting");
        assert_ne!(seat.terminal.paste(&"x".repeat(1_000_000), Duration::from_millis(500)), 1_000_000);
        seat.expect("\n100000");
        seat.expect_end(124);
    });
}

#[test]
fn a_screen_that_nobody_reads_does_not_stall_the_deadline() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let seat = Seat::run(&site, &["--timeout", "5s"], &["sh", "-c", "yes; sleep 600"], "");
        seat.expect_taken();
        let init = clearing_tests::init_of(seat.supervisor()).unwrap();
        let stat = format!("/proc/{init}/stat");
        seat.shell.expect("the command goes on", || !std::path::Path::new(&stat).exists());
    });
}

fn cksum(site: &Site, text: &str) -> String {
    let path = site.write_home("pasted", text);
    let mut cksum = site.host("cksum");
    let told = clearing_tests::expect_success(cksum.stdin(std::fs::File::open(path).unwrap()));
    told.trim().to_owned()
}
