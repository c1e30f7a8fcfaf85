//! The harness itself: what it must notice, it notices.

use std::io::Read as _;
use std::process::Stdio;
use std::time::Duration;

use clearing_tests::decoys::Process;
use clearing_tests::{Caller, Site, assert_nothing_left, for_each_caller};

#[test]
fn a_command_runs_as_every_caller_and_leaves_nothing() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run(["cat"]).stdin("typed").output();
        assert_eq!((output.code, output.stdout.as_str()), (Some(0), "typed"), "{output}");
        assert_eq!(output.outcome()["cause"], "exit", "{output}");
        assert_nothing_left(&site);
    });
}

#[test]
#[should_panic(expected = "still running at the deadline")]
fn what_does_not_end_is_killed_and_told() {
    let site = Site::new(Caller::Ordinary);
    site.run(["sleep", "300"]).spawn().with_deadline(Duration::from_millis(300)).wait();
}

#[test]
#[should_panic(expected = "something still holds its output")]
fn a_process_that_keeps_the_output_is_told() {
    let site = Site::new(Caller::Ordinary);
    let leaky = ["sh", "-c", r#"sleep 20 & exec "$@""#, "sh"];
    site.run(["true"]).through(leaky).spawn().with_deadline(Duration::from_secs(5)).wait();
}

#[test]
#[should_panic(expected = "left behind")]
fn a_process_that_is_left_is_found() {
    let site = Site::new(Caller::Ordinary);
    let _left = Process::start(&site);
    assert_nothing_left(&site);
}

#[test]
#[should_panic(expected = "left behind")]
fn a_mount_that_is_left_is_found() {
    let site = Site::new(Caller::Ordinary);
    let script = r#"mount --bind "$1" "$1" && echo mounted && exec sleep 60"#;
    let mut unshare = site.host("unshare");
    unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(site.project());
    let mut left = unshare.current_dir("/").stdout(Stdio::piped()).spawn().unwrap();
    left.stdout.as_mut().unwrap().read_exact(&mut [0; "mounted".len()]).unwrap();
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| assert_nothing_left(&site)));
    left.kill().unwrap();
    left.wait().unwrap();
    std::panic::resume_unwind(found.unwrap_err());
}

#[test]
#[should_panic(expected = "the tree was touched: [\"note.txt\"]")]
fn a_file_that_is_touched_is_named() {
    let site = Site::new(Caller::Ordinary);
    site.write("note.txt", "before");
    let before = site.project_tree();
    site.write("note.txt", "after");
    site.project_tree().expect_same_as(&before);
}
