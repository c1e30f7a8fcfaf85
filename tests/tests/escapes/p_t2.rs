//! P-T2: the command's terminal, if any, is a pty of the sandbox's own; the host's can't be opened by
//! name or as `/dev/tty`.

use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use clearing_tests::decoys::Terminal;
use clearing_tests::for_each_caller;

use crate::attack::{armed, attempt, control, inside, printed};

#[test]
fn a_terminal_of_the_host_cannot_be_written_by_name() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let mut terminal = Terminal::open(&site);
        let write = format!("echo intruder > {}", terminal.path().display());
        attempt(&site, &write);
        attempt(&site, "for t in /dev/pts/*; do echo intruder > $t; done");
        std::thread::sleep(Duration::from_millis(20));
        assert!(!terminal.read_shown().contains("intruder"));
        control(&site, &write);
        terminal.read_until("intruder", Duration::from_secs(2));
    });
}

#[test]
fn without_a_terminal_there_is_no_controlling_one() {
    for_each_caller(|caller| {
        let site = armed(caller);
        assert_eq!(inside(&site, &["open", "/dev/tty", "rw"]), "-1 ENXIO");
    });
}

#[test]
fn the_caller_s_controlling_terminal_is_not_inherited() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let terminal = Terminal::open(&site);
        // The caller sits at a terminal, and gives the command none of its streams.
        let to_files = ["sh", "-c", r#"exec "$@" </dev/null >out 2>&1"#, "sh"];
        let run = site.run(["./probe", "open", "/dev/tty", "rw"]);
        run.terminal(&terminal).through(to_files).output();
        let said = control(&site, "cat out");
        assert!(said.contains("-1 ENXIO"), "{said}");
        let mut bare = site.host("setsid");
        bare.args(["--ctty", "--wait", "sh", "-c", "./probe open /dev/tty rw >bare"]);
        bare.stdin(std::fs::File::open(terminal.path()).expect("a terminal"));
        printed(&mut bare);
        let told = control(&site, "cat bare");
        assert!(told.contains("ok"), "control: {told}");
    });
}

#[test]
fn the_terminal_that_is_given_is_another_one() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let mut terminal = Terminal::open(&site);
        let host = std::fs::metadata(terminal.path()).expect("a terminal");
        let host = format!("{}:{} ", host.dev(), host.ino());
        let look = "test -t 0 && stat -L -c 'fd %d:%i ' /proc/self/fd/0 && echo looked";
        site.run(["sh", "-c", look]).terminal(&terminal).output();
        let shown = terminal.read_until("looked", Duration::from_secs(5));
        assert!(shown.contains("fd "), "{shown}");
        assert!(!shown.contains(&host), "{shown}");
        let path = terminal.path().display();
        let bare = control(&site, &format!("stat -L -c 'fd %d:%i ' {path}"));
        assert!(bare.contains(host.trim()), "control: {bare}");
    });
}

#[test]
fn the_terminal_s_session_is_the_sandbox_s() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let mut terminal = Terminal::open(&site);
        let look = "stat -c '%F' /dev/tty; ls /dev/pts; ps -o sid= -p $$; echo looked";
        site.run(["sh", "-c", look]).terminal(&terminal).output();
        let shown = terminal.read_until("looked", Duration::from_secs(5));
        let host_sid = nix_sid(&site);
        assert!(!shown.contains(&format!(" {host_sid}\n")), "{shown}");
    });
}

fn nix_sid(site: &clearing_tests::Site) -> String {
    let told = control(site, "ps -o sid= -p $$");
    told.split_whitespace().next().unwrap_or_default().to_owned()
}
