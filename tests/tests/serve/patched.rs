//! Patches to a session that is held.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use clearing_tests::{Client, DEADLINE, Site, assert_nothing_left, children, for_each_caller, patience};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::ending::{descendants, is_init};

const GOOD: &str = "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-one\n+two\n";
/// What `sha256sum` says of it.
const HASH: &str = "deb09fd0f342d8e36d728ce072834eab521005ca2ab139dfcc6cd0215bcc9d06";
const BAD: &str = "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-other\n+two\n";

#[test]
fn a_patch_is_checked_and_applied_as_a_whole_or_not_at_all() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("a", "one\n");
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let on = |text: &str| json!({ "session": session, "text": text });
        let checked = client.call("patch/check", on(GOOD));
        assert_eq!((&checked["accepted"], &checked["applied"]), (&json!(true), &json!(false)), "{checked}");
        assert_eq!(client.call("patch/check", on(BAD))["accepted"], false);
        let refused = client.call("patch/apply", on(BAD));
        assert_eq!((&refused["accepted"], &refused["applied"]), (&json!(false), &json!(false)));
        assert_eq!(client.exec(&session, &["grep", "-q", "one", "a"])["exitCode"], 0);
        let applied = client.call("patch/apply", on(GOOD));
        let record = std::fs::read_to_string(site.state().join("audit.jsonl")).unwrap();
        let lines = record.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let marks = lines.filter(|line| line["verb"] == "patch").map(|line| line["detail"]["patch"].clone());
        let same = |mark: &serde_json::Value| *mark == json!({ "sha256": HASH, "bytes": GOOD.len() });
        // What is applied was checked before.
        assert_eq!(marks.filter(same).count(), 3);
        assert_eq!((&applied["applied"], &applied["files"][0]["path"]), (&json!(true), &json!("a")));
        assert_eq!(client.exec(&session, &["grep", "-q", "two", "a"])["exitCode"], 0);
        assert_eq!(std::fs::read_to_string(site.project().join("a")).unwrap(), "one\n");
        client.running(&session, &["sleep", "1000"], json!({ "yieldMs": 0 }));
        assert_eq!(client.refused("patch/apply", on(GOOD)).1, "CLR-BUSY");
        client.call("session/destroy", json!({ "session": session }));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

/// So many files that others come while they are written.
const FILES: usize = 3000;

fn many_files() -> String {
    let mut patch = String::new();
    for number in 0..FILES {
        let _ = write!(patch, "--- /dev/null\n+++ b/new/f{number}\n@@ -0,0 +1 @@\n+{number}\n");
    }
    patch
}

/// A session to which a patch is being applied, by processes that are stopped.
struct HalfPatched {
    session: String,
    applying: i64,
    writing: Vec<Pid>,
}

impl HalfPatched {
    /// In a new session each time, since a patch may be applied before it is seen that it is.
    fn begin(client: &mut Client, site: &Site) -> Self {
        (0..10).find_map(|_| Self::attempt(client, site)).expect("the patch was over too soon each time")
    }

    fn attempt(client: &mut Client, site: &Site) -> Option<Self> {
        let session = client.session(site);
        client.exec(&session, &["sh", "-c", "echo z > z"]);
        let applying = client.ask("patch/apply", json!({ "session": session, "text": many_files() }));
        let until = Instant::now() + patience(DEADLINE);
        while !lies_below(&site.state(), "new") {
            assert!(Instant::now() < until, "nothing is written");
        }
        let inits = descendants(client.pid()).into_iter().filter(|process| is_init(*process));
        let half = Self { session, applying, writing: inits.flat_map(children).collect() };
        half.send(Signal::SIGSTOP);
        sleep(Duration::from_millis(500));
        if client.answered(applying).is_none() {
            return Some(half);
        }
        half.send(Signal::SIGCONT);
        client.call("session/destroy", json!({ "session": half.session }));
        None
    }

    /// Of those that work for init one may be gone by now.
    fn send(&self, signal: Signal) {
        for process in &self.writing {
            let _ = kill(*process, signal);
        }
    }
}

#[test]
fn nobody_lands_names_or_takes_back_half_a_patch() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let half = HalfPatched::begin(&mut client, &site);
        let session = &half.session;
        let stopping = json!({ "session": session, "processes": "stop" });
        let verbs =
            ["snapshot/create", "changes/discard", "session/fork", "session/refresh", "changes/commit"];
        let asked: Vec<i64> = verbs.iter().map(|verb| client.ask(verb, stopping.clone())).collect();
        for asked in asked {
            assert_eq!(client.error(asked), (-32000, "CLR-BUSY".into()), "{}", client.told());
        }
        half.send(Signal::SIGCONT);
        assert_eq!(client.result(half.applying)["applied"], true);
        assert_eq!(fs::read_dir(site.project()).unwrap().count(), 0);
        whole_patch_lands(&mut client, &site, stopping);
        client.call("session/destroy", json!({ "session": session }));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

fn whole_patch_lands(client: &mut Client, site: &Site, stopping: Value) {
    let landed = client.call("changes/commit", stopping);
    assert_eq!(fs::read_dir(site.project().join("new")).unwrap().count(), FILES, "{landed}");
    assert_eq!(fs::read_to_string(site.project().join("z")).unwrap(), "z\n");
}

fn lies_below(directory: &Path, name: &str) -> bool {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.file_name() == name || lies_below(&entry.path(), name))
}

#[test]
fn what_others_do_while_a_patch_is_applied_outlives_a_patch_that_fails() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let half = HalfPatched::begin(&mut client, &site);
        let session = &half.session;
        let theirs = client.start(session, &["sh", "-c", "echo theirs > theirs"], json!({}));
        let written =
            client.ask("fs/write", json!({ "session": session, "path": "written", "text": "written\n" }));
        let other = site.clearing(["exec", session, "--", "sh", "-c", "echo other > other"]).spawn();
        sleep(Duration::from_millis(500));
        half.send(Signal::SIGKILL);
        client.error(half.applying);
        assert_eq!(client.result(theirs)["exitCode"], 0);
        client.result(written);
        other.wait().expect_code(0);
        client.notes();
        client.exec(session, &["cat", "theirs", "written", "other"]);
        assert_eq!(client.said("stdout"), "theirs\nwritten\nother\n");
        assert_eq!(client.exec(session, &["test", "-e", "new"])["exitCode"], 1);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
