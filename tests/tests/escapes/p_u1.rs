//! P-U1: what developers need works; and it is had by an ordinary user, without a set-user-ID bit, a file
//! capability or a daemon.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use clearing_tests::{Caller, Site, for_each_caller};

use crate::attack::{armed, attempt, inside, printed};

#[test]
fn the_binary_has_no_set_user_id_bit() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mode = std::fs::metadata(site.binary()).expect("a binary").permissions().mode();
        assert_eq!(mode & 0o7777, 0o755);
        site.run(["true"]).output().expect_code(0);
    });
}

#[test]
fn the_binary_has_no_file_capability() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let path = format!("str:{}", site.binary().display());
        let ask = ["raw", "getxattr", &path, "str:security.capability", "buf:64", "64"];
        let answer = printed(Command::new(site.project().join("probe")).args(ask));
        assert!(["-1 ENODATA", "-1 EOPNOTSUPP"].contains(&answer.as_str()), "{answer}");
    });
}

#[test]
fn an_ordinary_user_needs_nobody_s_help() {
    let site = armed(Caller::Ordinary);
    // Nor could anybody give it: no new privileges from the start on.
    let alone = ["setpriv", "--no-new-privs", "--"];
    let output = site.run(["sh", "-c", "echo worked"]).through(alone).output();
    output.expect_code(0).expect_stdout("worked");
}

#[test]
fn a_shell_with_pipes_and_children_works() {
    works("seq 100 | sort -rn | head -n 1 | grep 100 && (exit 3) || test $? = 3 && echo fine");
}

#[test]
fn signals_to_one_s_own_children_work() {
    works("sleep 20 & kill $!; wait $!; test $? = 143 && echo fine");
}

#[test]
fn tmp_home_and_the_workspace_can_be_written() {
    works(
        "for d in /tmp /dev/shm \"$HOME\" .; do echo x > $d/f && mkdir $d/d && rm -r $d/d || exit 1; done; echo fine",
    );
}

#[test]
fn links_pipes_and_renames_in_the_workspace_work() {
    works(
        "echo x > a; ln a b; ln -s a c; mkfifo p; mv a d; cat b c 2>/dev/null; test -p p && cat d && echo fine",
    );
}

#[test]
fn one_s_own_loopback_works() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let script = beside("serve tcp 8080", "connect 127.0.0.1 8080");
        let output = attempt(&site, &script);
        output.expect_stdout("0 ok").expect_stdout("reached");
    });
}

/// Two probes at once: a server, whose input stays open meanwhile, and a client as soon as it serves.
fn beside(server: &str, client: &str) -> String {
    format!(
        "rm -f said gate; mkfifo gate; ./probe {server} <gate >said & exec 9>gate
        until grep -qs ready said; do sleep 0.02; done; ./probe {client}; exec 9>&-; wait; cat said"
    )
}

#[test]
fn one_s_own_unix_sockets_work() {
    for_each_caller(|caller| {
        let site = armed(caller);
        for name in ["@own", "own", "/tmp/own"] {
            let script = beside(&format!("serve unix {name}"), &format!("connect-unix {name}"));
            attempt(&site, &script).expect_stdout("0 ok").expect_stdout("reached");
        }
    });
}

#[test]
fn threads_work() {
    for_each_caller(|caller| {
        let site = armed(caller);
        assert!(inside(&site, &["within", "thread", "raw", "getpid"]).ends_with("ok"));
    });
}

#[test]
fn a_terminal_of_one_s_own_can_be_made() {
    works("script -qec 'test -t 0 && echo fine' /dev/null </dev/null");
}

#[test]
fn the_random_and_null_devices_work() {
    works(
        "head -c 8 /dev/urandom | wc -c | grep 8 && echo x > /dev/null && head -c 1 /dev/zero | wc -c && echo fine",
    );
}

#[test]
fn a_debugger_can_trace_its_own_child() {
    for_each_caller(|caller| {
        let site = armed(caller);
        assert!(inside(&site, &["rewrite", "getpgid", "0"]).ends_with("ok"));
    });
}

#[track_caller]
fn works(script: &str) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        attempt(&site, script).expect_stdout("fine");
    });
}

#[test]
fn all_processors_of_the_caller_s_can_be_used() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "grep Cpus_allowed_list /proc/self/status";
        for _ in 0..20 {
            let inside = site.run(["sh", "-c", script]).output();
            let outside = site.host("sh").args(["-c", script]).output().expect("sh");
            assert_eq!(inside.stdout.as_bytes(), outside.stdout, "{inside}");
        }
    });
}
