//! Without a terminal, signals to `clearing` are handed to the command's process group.

use std::thread;
use std::time::Duration;

use clearing_tests::{
    Running, Site, assert_nothing_left, children, for_each_caller, in_time, init_of, is_stopped,
};
use nix::sys::signal::{Signal, kill};

const FORWARDED: [Signal; 6] =
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR1, Signal::SIGUSR2];

#[test]
fn each_of_them_ends_a_command_that_does_not_handle_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for signal in FORWARDED {
            let running = started(&site, "sleep 60");
            running.signal(signal);
            let output = running.wait();
            output.expect_code(128 + signal as i32);
            assert_eq!(output.outcome()["cause"], "signal", "{output}");
        }
        assert_nothing_left(&site);
    });
}

#[test]
fn each_of_them_can_be_handled_and_the_command_goes_on() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for signal in FORWARDED {
            let name = signal.as_str().trim_start_matches("SIG");
            let handle = format!(
                "trap 'echo handled; handled=1' {name}; echo ready
                while [ -z \"$handled\" ]; do sleep 0.02; done
                sleep 0.1; echo went on; exit 6"
            );
            let running = ready(&site, &handle);
            running.signal(signal);
            running.wait().expect_code(6).expect_stdout("handled\nwent on\n");
        }
    });
}

#[test]
fn they_reach_the_whole_group() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let child = r#"trap 'wait; echo parent; exit 6' USR1
            sh -c 'trap "echo child; exit" USR1; echo ready; while :; do sleep 0.02; done' & wait; wait"#;
        let running = ready(&site, child);
        running.signal(Signal::SIGUSR1);
        running.wait().expect_code(6).expect_stdout("child\nparent\n");
    });
}

#[test]
fn who_ignores_sigterm_of_the_supervisor_is_ended_after_the_grace() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        // The grace of the default profile is two seconds.
        in_time(Duration::from_secs(2), Duration::from_secs(1), || {
            let running = ready(&site, "trap '' TERM; echo ready; while :; do sleep 0.1; done");
            running.signal(Signal::SIGTERM);
            running.wait().expect_code(137);
        });
        assert_nothing_left(&site);
    });
}

#[test]
fn a_terminated_run_whose_init_does_not_answer_was_killed() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let running = ready(&site, "trap '' TERM; echo ready; while :; do sleep 0.1; done");
        kill(init_of(running.pid()).unwrap(), Signal::SIGSTOP).unwrap();
        running.signal(Signal::SIGTERM);
        let output = running.wait();
        output.expect_code(137);
        assert_eq!((&output.outcome()["cause"], &output.outcome()["signal"]), (&"signal".into(), &9.into()));
        assert_nothing_left(&site);
    });
}

#[test]
fn sigtstp_stops_the_command_with_us_and_sigcont_continues_both() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let running = ready(&site, "echo ready; while :; do echo beat; sleep 0.02; done");
        running.signal(Signal::SIGTSTP);
        running.expect_stopped();
        let shell = children(init_of(running.pid()).unwrap())[0];
        running.expect("the command is not stopped", || is_stopped(shell));
        // The other process of its group may just be at its last, and what was printed on its way to us.
        thread::sleep(Duration::from_millis(500));
        // What is printed goes straight to us, whether `clearing` is stopped or not.
        let before = running.printed_so_far().len();
        thread::sleep(Duration::from_millis(200));
        assert_eq!(running.printed_so_far().len(), before, "the command goes on");
        running.signal(Signal::SIGCONT);
        running.expect("the command does not go on", || running.printed_so_far().len() > before);
        running.signal(Signal::SIGTERM);
        running.wait().expect_code(143);
    });
}

#[test]
fn what_the_caller_ignores_is_not_handed_on() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let ignoring = ["sh", "-c", r#"trap '' HUP INT; exec "$@""#, "sh"];
        let running = site.run(["sh", "-c", "echo ready; sleep 1; exit 6"]).through(ignoring).spawn();
        running.expect_printed("ready\n");
        running.signal(Signal::SIGHUP);
        running.signal(Signal::SIGINT);
        running.wait().expect_code(6);
    });
}

#[test]
fn a_second_signal_arrives_as_well() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let count = "trap 'n=$((n+1)); echo got $n' INT; n=0; echo ready
            while [ $n -lt 2 ]; do sleep 0.02; done; exit 6";
        let running = ready(&site, count);
        running.signal(Signal::SIGINT);
        running.expect_printed("got 1\n");
        running.signal(Signal::SIGINT);
        running.wait().expect_code(6).expect_stdout("got 1\ngot 2\n");
    });
}

/// A shell script that runs inside.
fn started(site: &Site, script: &str) -> Running {
    ready(site, &format!("echo ready; exec {script}"))
}

/// A shell script that has said `ready`.
fn ready(site: &Site, script: &str) -> Running {
    let running = site.run(["sh", "-c", script]).spawn();
    running.expect_printed("ready\n");
    running
}
