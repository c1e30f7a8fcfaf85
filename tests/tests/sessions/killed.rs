//! Whatever is killed, the next command finds the session as some verb left it.

use std::time::Duration;

use clearing_tests::{Site, for_each_caller};
use nix::sys::signal::Signal;

use crate::session::Session;

#[test]
fn a_second_writer_is_told_who_the_first_is_and_readers_are_not_kept_waiting() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let session = Session::create(&site, &[]);
        let script = "echo x > y; echo ready; sleep 60";
        let running = site.clearing(["exec", &session.id]).command(["sh", "-c", script]).spawn();
        running.expect_printed("ready");
        for (verb, arguments) in
            [("snapshot", &[][..]), ("rollback", &["initial"]), ("fork", &[]), ("rm", &["-y"])]
        {
            let output = session.verb(verb, arguments);
            output.expect_code(125).expect_stderr("is busy: `clearing exec` of process");
        }
        session.try_sh("true").expect_code(125).expect_stderr(&running.pid().to_string());
        let busy = site.clearing(["exec", &session.id, "--json"]).command(["true"]).output();
        busy.expect_stdout(r#""code":"CLR-BUSY""#);
        session.verb("inspect", &[]).expect_code(0).expect_stdout("running").expect_stdout("+1 ~0 -0");
        running.signal(Signal::SIGTERM);
        running.wait();
        assert_eq!(session.sh("cat y"), "x\n");
    });
}

#[test]
fn a_killed_supervisor_leaves_what_its_command_wrote_and_that_is_told() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let session = Session::create(&site, &[]);
        session.sh("echo before > before");
        let script = "echo half > half; echo ready; sleep 60";
        let running = site.clearing(["exec", &session.id]).command(["sh", "-c", script]).spawn();
        running.expect_printed("ready");
        running.signal(Signal::SIGKILL);
        running.wait();
        // The sandbox ends with its supervisor, and is waited for.
        let output = session.try_sh("cat before half");
        output.expect_code(0).expect_stderr("was killed with its supervisor").expect_stdout("before\nhalf\n");
        assert!(!session.try_sh("true").stderr.contains("was killed"));
    });
}

#[test]
fn a_session_survives_kills_at_any_moment() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let session = Session::create(&site, &[]);
        session.sh("echo 0 > count; echo sealed > sealed");
        session.done("snapshot", &["safe"]);
        for round in 0..30_u64 {
            let verb = ["exec", "snapshot", "rollback", "fork"][(round % 4) as usize];
            let mut run = site.clearing([verb, &session.id]);
            if verb == "exec" {
                run = run.command(["sh", "-c", "echo $(($(cat count) + 1)) > count.new; mv count.new count"]);
            } else if verb == "rollback" {
                run = run.arg("safe");
            }
            let running = run.spawn();
            std::thread::sleep(Duration::from_micros(round * 1_500));
            running.signal(Signal::SIGKILL);
            running.wait();
            assert!(session.sh("cat count").trim().parse::<u64>().is_ok());
            assert_eq!(session.sh("cat sealed"), "sealed\n");
        }
        session.done("rollback", &["safe"]);
        assert_eq!(session.sh("cat count sealed"), "0\nsealed\n");
        site.clearing(["gc"]).output().expect_code(0);
    });
}
