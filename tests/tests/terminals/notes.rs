//! Notes of a limit that comes near do not spoil what the command shows.

use clearing_tests::{Site, for_each_caller};

use crate::seat::Seat;

const NEAR: &str = "head -c 95M /dev/zero > x";
const NOTE: &str = "clearing: note: disk came near the limit";

#[test]
fn a_note_stands_between_two_lines() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = format!("printf begun; {NEAR}; sleep 1.5; echo ' and ended'; read key; exit 4");
        let mut seat = Seat::run(&site, &["--disk", "100M"], &["sh", "-c", &script], "");
        let shown = seat.expect("gives it more\r\n");
        assert!(shown.contains(&format!("begun and ended\r\n{NOTE}")), "{shown:?}");
        seat.type_in("\r");
        seat.expect_end(4);
    });
}

#[test]
fn a_program_that_draws_on_the_screen_is_not_disturbed() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = format!("stty raw -echo; {NEAR}; sleep 1.5; printf 'drawn\r\n'; exit 4");
        let mut seat = Seat::run(&site, &["--disk", "100M"], &["sh", "-c", &script], "");
        let shown = seat.expect_end(4);
        let (drawn, note) = (shown.find("drawn"), shown.find(NOTE));
        assert!(drawn.is_some() && drawn < note, "{shown:?}");
    });
}
