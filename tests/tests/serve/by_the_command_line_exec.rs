//! `clearing exec` on a session that a server holds: streams, codes, signals and the terminal are as ever.

use std::time::Duration;

use clearing_tests::decoys::Terminal;
use clearing_tests::{Client, Run, Site, assert_nothing_left, for_each_caller};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

fn exec<'s>(site: &'s Site, options: &[&str], command: &[&str]) -> Run<'s> {
    site.clearing(["exec", "fix"]).args(options).command(command)
}

/// A server that holds the session `fix`.
fn hold(site: &Site) -> Client {
    let mut client = site.serve([] as [&str; 0]);
    client.call("session/create", json!({ "workspace": site.project(), "name": "fix" }));
    client
}

fn is_running(client: &mut Client, session: &str) -> bool {
    client.call("session/get", json!({ "session": session }))["running"] != json!([])
}

fn until_nothing_runs(client: &mut Client) {
    let end = std::time::Instant::now() + clearing_tests::patience(Duration::from_secs(20));
    while is_running(client, "fix") {
        assert!(std::time::Instant::now() < end, "something runs still");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn streams_and_codes_are_those_of_a_command_without_a_server() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = hold(&site);
        let both = exec(&site, &[], &["sh", "-c", "cat; echo no >&2; echo $A; pwd; exit 7"]);
        let ended = both.arg("--env=A=b c").stdin("some\nlines\n").output();
        let place = format!("some\nlines\nb c\n{}\n", site.project().display());
        ended.expect_code(7).expect_stderr("no\n").expect_stderr("clearing: no changes");
        assert_eq!(ended.stdout, place);
        exec(&site, &[], &["sh", "-c", "kill -TERM $$"]).output().expect_code(128 + 15);
        exec(&site, &[], &["no-such-program"]).output().expect_code(127).expect_stderr("no-such-program");
        exec(&site, &[], &["./a"]).output().expect_code(127);
        site.clearing(["exec", "fix"])
            .args(["--timeout", "300ms"])
            .command(["sleep", "100"])
            .output()
            .expect_code(124)
            .expect_stderr("ended at its deadline");
        let made = exec(&site, &[], &["sh", "-c", "echo x > made"]).output();
        made.expect_code(0).expect_stderr("clearing: 1 added").expect_stderr("clearing commit");
        let refused = exec(&site, &["--stats", "1s", "--stats-fd", "2"], &["true"]).output();
        refused.expect_code(125).expect_stderr("a server holds the session").expect_stderr("`--stats`");
        refused.expect_stderr("hint: what the command took");
        assert_eq!(client.exec("fix", &["cat", "made"])["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn bytes_arrive_as_they_were_sent() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let client = hold(&site);
        // No text at all, and more than any pipe or queue holds.
        let bytes: Vec<u8> =
            (0..6_000_000u32).map(|it| (it.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let through = exec(&site, &[], &["cat"]);
        let through = through.through(["sh", "-c", r#""$@" | sha256sum"#, "sh"]).stdin(bytes.clone());
        let direct = std::process::Command::new("sha256sum").stdin(file_of(&site, &bytes)).output().unwrap();
        through.output().expect_code(0).expect_stdout(&String::from_utf8_lossy(&direct.stdout));
        let early =
            exec(&site, &[], &["yes"]).through(["sh", "-c", r#"("$@"; echo $? >&2) | head -n 1"#, "sh"]);
        early.output().expect_code(0).expect_stdout("y\n").expect_stderr("141");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

fn file_of(site: &Site, bytes: &[u8]) -> std::fs::File {
    std::fs::File::open(site.write_home("bytes", bytes)).unwrap()
}

#[test]
fn json_and_the_result_file_tell_the_same_as_ever() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let client = hold(&site);
        let result = site.home().join("result");
        let ended =
            exec(&site, &["--json"], &["sh", "-c", r"printf '\377'; exit 3"]).arg("--result").arg(&result);
        let ended = ended.output();
        ended.expect_code(3);
        let lines: Vec<Value> = ended.stdout.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
        let first = json!({ "type": "output", "seq": 1, "stream": "stdout", "bytes": "/w==" });
        assert_eq!(lines[0], first);
        assert_eq!((&lines[1]["type"], &lines[1]["cause"]), (&json!("outcome"), &json!("exit")));
        let written: Value = serde_json::from_slice(&std::fs::read(result).unwrap()).unwrap();
        assert_eq!((&written["exitCode"], written.get("type")), (&json!(3), None));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn signals_and_the_end_of_the_caller_reach_the_command() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = hold(&site);
        let script = "trap 'echo asked; exit 9' INT; echo up; while :; do sleep 0.05; done";
        let running = exec(&site, &[], &["sh", "-c", script]).spawn();
        running.expect_printed("up");
        running.signal(Signal::SIGINT);
        running.wait().expect_code(9).expect_stdout("asked");
        let running = exec(&site, &[], &["sh", "-c", "echo up; sleep 1000"]).spawn();
        running.expect_printed("up");
        let other = exec(&site, &[], &["echo", "beside"]).output();
        other.expect_code(0).expect_stdout("beside");
        assert!(is_running(&mut client, "fix"));
        running.signal(Signal::SIGKILL);
        running.wait();
        until_nothing_runs(&mut client);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_server_that_vanishes_is_told() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let client = hold(&site);
        let running = exec(&site, &[], &["sh", "-c", "echo up; sleep 1000"]).spawn();
        running.expect_printed("up");
        client.signal(Signal::SIGKILL);
        running.wait().expect_code(125).expect_stderr("is gone").expect_stderr("hint: the session is kept");
        drop(client);
        exec(&site, &[], &["true"]).output().expect_code(0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_terminal_is_the_command_s_and_is_given_back() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let client = hold(&site);
        let mut terminal = Terminal::open(&site);
        let before = terminal.settings();
        let script = "trap 'stty size' WINCH; test -t 0 && test -t 1 && test -t 2 && stty size; \
                      until read -r line && test -n \"$line\"; do :; done; echo \"<$line>\"; trap 'exit 4' INT; echo on; \
                      while :; do sleep 0.05; done";
        let running = exec(&site, &[], &["sh", "-c", script]).terminal(&terminal).spawn();
        terminal.read_until("24 80", Duration::from_secs(20));
        terminal.resize(30, 99);
        terminal.read_until("30 99", Duration::from_secs(20));
        terminal.type_in("key\r");
        terminal.read_until("<key>", Duration::from_secs(20));
        terminal.read_until("on", Duration::from_secs(20));
        // The key, which the terminal inside makes a signal of.
        terminal.type_in("\u{3}");
        running.wait().expect_code(4);
        assert_eq!(terminal.settings(), before);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
