//! What a server that has nothing to do has in memory, and what each session adds to that.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use clearing_tests::{
    Client, DEADLINE, Site, absent, assert_nothing_left, children, for_each_caller, patience,
};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, geteuid};
use serde_json::json;

const SESSIONS: u64 = 20;
/// KiB of a server without sessions that are in memory at most.
const SERVER: u64 = 12 * 1024;
/// KiB that a session may take, in proportion to who else uses them.
const SESSION: u64 = 400;

#[test]
fn an_idle_server_and_its_idle_sessions_take_little_memory() {
    for_each_caller(|caller| {
        if !geteuid().is_root() {
            return absent("nobody but root may look into an init's memory");
        }
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let server = client.pid();
        let resident = taken(server, "Rss:");
        assert!(resident <= SERVER, "the server has {resident} KiB in memory");
        // What the first session brings into memory of the program itself the next ones have with it.
        let first = client.session(&site);
        assert_eq!(client.exec(&first, &["true"])["exitCode"], 0);
        client.call("session/destroy", json!({ "session": first }));
        let (alone, before) = (taken(server, "Pss:"), below(server));
        let sessions: Vec<String> = (0..SESSIONS).map(|_| client.session(&site)).collect();
        for session in &sessions {
            assert_eq!(client.exec(session, &["true"])["exitCode"], 0);
        }
        let idle = settled(&client, alone, &before);
        for session in &sessions {
            client.running(session, &["sleep", "600"], json!({}));
        }
        let running = settled(&client, alone, &before);
        println!("a server: {resident} KiB; a session that is idle: {idle}, that runs something: {running}");
        client.signal(Signal::SIGTERM);
        assert_eq!(client.wait(), 0);
        assert_nothing_left(&site);
    });
}

/// KiB that a session takes, once that is as little as it may be. Commands are not counted, they are the caller's.
#[track_caller]
fn settled(client: &Client, alone: u64, before: &[Pid]) -> u64 {
    let end = Instant::now() + patience(DEADLINE);
    loop {
        let all = below(client.pid());
        let of_sessions = all.iter().filter(|process| !before.contains(process) && !is_command(**process));
        let inits: u64 = of_sessions.map(|process| taken(*process, "Pss:")).sum();
        let server = taken(client.pid(), "Pss:").saturating_sub(alone);
        let each = (server + inits) / SESSIONS;
        if each <= SESSION {
            return each;
        }
        let (server, inits) = (server / SESSIONS, inits / SESSIONS);
        assert!(Instant::now() < end, "a session takes {server} KiB of the server and {inits} of its own");
        sleep(Duration::from_millis(50));
    }
}

/// All that a process has started, and what that has.
fn below(process: Pid) -> Vec<Pid> {
    children(process).into_iter().flat_map(|child| std::iter::once(child).chain(below(child))).collect()
}

fn is_command(process: Pid) -> bool {
    fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name == "sleep\n")
}

/// KiB that a process has in memory; nothing of one that has ended meanwhile.
fn taken(process: Pid, kind: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(kind)).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
