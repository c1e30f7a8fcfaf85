//! Directories that a command closes to those who look after it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use clearing_tests::{Site, for_each_caller};

use crate::session::Session;

#[test]
fn a_command_that_closes_the_project_or_the_home_keeps_nobody_from_its_session() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for closed in [".", "\"$HOME\"", ". \"$HOME\""] {
            let session = Session::create(&site, &[]);
            session.sh(&format!("echo one > written; chmod 000 {closed}"));
            session.sh("true");
            assert!(session.done("diff", &[]).contains("+one"), "{closed}");
            session.done("snapshot", &["closed"]);
            session.done("rollback", &["initial"]);
            assert_eq!(session.sh("ls"), "", "{closed}");
            session.done("rollback", &["closed"]);
            assert_eq!(session.sh("chmod 700 . ~; cat written"), "one\n", "{closed}");
            session.done("rm", &["--yes"]);
        }
    });
}

#[test]
fn a_command_that_closes_its_copy_of_the_project_does_not_lose_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("file", "x");
        let script = "echo one > written; chmod 000 .";
        let output =
            site.clearing(["run", "--layer", "copy", "--json"]).command(["sh", "-c", script]).output();
        output.expect_code(0).expect_stdout("\"added\":1");
    });
}

#[test]
fn a_directory_of_the_project_that_can_only_be_listed_is_no_end_of_a_session() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("closed/file", "x");
        let closed = site.project().join("closed");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o400)).unwrap();
        let session = Session::create(&site, &[]);
        session.sh("chmod 700 closed; echo y > closed/new; echo z > closed/file");
        assert_eq!(session.sh("cat closed/new closed/file"), "y\nz\n");
        session.done("rollback", &["initial"]);
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    });
}
