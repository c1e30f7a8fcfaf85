//! P-L6: open files are limited.

use clearing_tests::for_each_caller;

use crate::attack::armed;

#[test]
fn descriptors_are_refused_beyond_the_limit() {
    is_refused(&["./probe", "open-many", "100"]);
}

#[test]
fn the_limit_cannot_be_raised() {
    is_refused(&["sh", "-c", "ulimit -n 1000; exec ./probe open-many 100"]);
}

#[test]
fn the_default_is_limited_too() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let output = site.run(["./probe", "open-many", "2000"]).output();
        output.expect_stdout("1021 and then -1 EMFILE");
    });
}

#[track_caller]
fn is_refused(command: &[&str]) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let output = site.run(command).args(["--nofile", "64"]).output();
        output.expect_stdout("61 and then -1 EMFILE");
    });
}
