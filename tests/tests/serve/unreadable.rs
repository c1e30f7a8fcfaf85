//! A process that nobody may trace is found all the same.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use clearing_tests::{Caller, Client, Site, assert_nothing_left, for_each_caller, install};
use serde_json::{Value, json};

/// Nobody whom a sandbox knows, root's own among them.
const STRANGER: u32 = 4_000_000;

/// A site, and a program that its commands may execute and not read, and that belongs to a stranger: the kernel shows
/// a process of such a one to nobody but whom it lets trace all.
fn site(caller: Caller) -> (Site, PathBuf) {
    let site = Site::new(caller);
    let tools = site.directory().join("tools");
    fs::create_dir(&tools).unwrap();
    let program = tools.join("still");
    install(Path::new("/bin/sleep"), &program);
    chown(&program, Some(STRANGER), Some(STRANGER)).unwrap();
    for (path, mode) in [(&tools, 0o755), (&program, 0o711)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let profile = format!(
        "extends = \"default\"\nwiden = true\nreason = \"tools\"\n[filesystem]\nread = [\"...\", {tools:?}]\n"
    );
    site.write_home(".config/clearing/profiles/mine.toml", profile);
    (site, program)
}

/// A server, and a session in it whose commands may execute that.
fn session(site: &Site) -> (Client, Value) {
    let mut client = site.serve([] as [&str; 0]);
    let params = json!({ "workspace": site.project(), "profile": "mine" });
    let session = client.call("session/create", params)["session"].clone();
    (client, session)
}

/// Runs a shell script to which that program is `$0`.
fn run(client: &mut Client, session: &Value, program: &Path, script: &str, more: Value) -> Value {
    let argv = ["sh", "-c", script, program.to_str().unwrap()];
    client.exec_with(session.as_str().unwrap(), &argv, more)
}

#[test]
fn what_it_leaves_running_is_known_and_can_be_ended() {
    for_each_caller(|caller| {
        let (site, program) = site(caller);
        let (mut client, session) = session(&site);
        // Until it is executed its process is a shell's, which is seen.
        let script = "\"$0\" 1000 & i=0; while test -e /proc/$! && test $i -lt 1000; do sleep 0.01; i=$((i+1)); done; \
                      test -e /proc/$!";
        let seen = run(&mut client, &session, &program, script, json!({}));
        assert_eq!(seen["exitCode"], 1, "it does not hide: {seen}");
        let (_, refused) = client.refused("snapshot/create", json!({ "session": session, "label": "one" }));
        assert_eq!(refused, "CLR-BUSY");
        let stopped = json!({ "session": session, "label": "one", "processes": "stop" });
        assert_eq!(client.call("snapshot/create", stopped)["snapshot"], "one");
        client.call("snapshot/create", json!({ "session": session, "label": "two" }));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn it_is_ended_with_its_command() {
    for_each_caller(|caller| {
        let (site, program) = site(caller);
        let (mut client, session) = session(&site);
        let script = "setsid \"$0\" 1000 & echo $! > pid; exec \"$0\" 1000";
        let ended = run(&mut client, &session, &program, script, json!({ "timeoutMs": 2000 }));
        assert_eq!(ended["outcome"]["cause"], "timeout");
        let left = run(&mut client, &session, &program, "kill -0 $(cat pid)", json!({}));
        assert_eq!(left["exitCode"], 1, "{left}");
        client.call("snapshot/create", json!({ "session": session, "label": "one" }));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
