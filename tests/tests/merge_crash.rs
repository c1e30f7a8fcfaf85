//! Killed before any of the system calls that merging changes something with, a session has its layers as
//! they were or merged, and shows the same either way.
//!
//! `CLEARING_CRASH_POINTS=all` tries every point; else every tenth, and the last.
#![cfg(target_arch = "x86_64")]

use std::fs;
use std::path::PathBuf;

use clearing_tests::{Change, Site, expect_success, for_each_caller, run_and_kill_alone};
use serde_json::Value;

/// As many sealed layers as are never merged, and one.
const LAYERS: u64 = 33;
const VIEW: &str = "find . ~/kept | sort | while read -r path; do test -f \"$path\" && cat \"$path\" || \
                    readlink \"$path\" || echo \"$path\"; done";

/// A session with one layer too many, of which a copy is put back before each kill.
struct Fixture<'s> {
    site: &'s Site,
    /// Keeps so few snapshots that layers can be merged.
    profile: PathBuf,
    live: String,
    sealed: String,
}

impl<'s> Fixture<'s> {
    fn new(site: &'s Site) -> Self {
        ["changed", "gone/a", "gone/b", "kept"].iter().for_each(|path| drop(site.write(path, path)));
        let rules = "extends = \"default\"\n[rollback]\nmax_snapshots = 2\n";
        let profile = site.write_home("rules.toml", rules);
        site.clearing(["create", "--name", "deep"]).output().expect_code(0);
        let mut fixture = Self { site, profile, live: String::new(), sealed: String::new() };
        for layer in 0..LAYERS {
            // What hides what: files, directories that are made anew, whiteouts, links, and the home.
            fixture.sh(&format!(
                "echo {layer} > changed; rm -rf gone; mkdir gone; echo {layer} > gone/in; ln -sf {layer} link; \
                 rm -f only-$(({layer} - 1)); echo {layer} > only-{layer}; echo {layer} >> ~/kept"
            ));
            site.clearing(["snapshot", "deep", &format!("s{layer}")]).output().expect_code(0);
        }
        fixture.sealed = fixture.sh(VIEW);
        fixture.live = fixture.sh(&format!("echo live > live; rm link; {VIEW}"));
        fixture.copy(&site.state(), &fixture.aside());
        fixture
    }

    #[track_caller]
    fn sh(&self, script: &str) -> String {
        let output = self.site.clearing(["exec", "deep"]).command(["sh", "-c", script]).output();
        output.expect_code(0);
        output.stdout
    }

    fn aside(&self) -> PathBuf {
        self.site.directory().join("state.aside")
    }

    fn copy(&self, from: &PathBuf, to: &PathBuf) {
        let script = "chmod -R u+rwx \"$1\"/layers/*/*.work 2>/dev/null; cp -a \"$1\" \"$2\"";
        let mut copy = if from == &self.site.state() {
            // Beside the site's own directories only root may make any.
            std::process::Command::new("sh")
        } else {
            self.site.host("sh")
        };
        expect_success(copy.args(["-c", script, "sh"]).args([from, to]));
    }

    /// Runs a command, at whose end layers are merged; returns the calls from the making of the merged layer on,
    /// and how many there were before it.
    fn merge(&self, kill_before: Option<usize>) -> (Option<i32>, usize, Vec<Change>) {
        let profile = self.profile.to_str().expect("a path in UTF-8");
        let line = ["exec", "deep", "--profile", profile, "--", "true"];
        let trace = run_and_kill_alone(self.site, &line, kill_before);
        let is_layer =
            |call: &Change| call.call == "mkdirat" && call.path.to_string_lossy().starts_with("l-");
        let begun = trace.changes.iter().rposition(is_layer);
        (trace.code, begun.unwrap_or(0), trace.changes)
    }

    fn renew(&self) {
        let state = self.site.state();
        expect_success(
            self.site.host("sh").args(["-c", "chmod -R u+rwx \"$1\" && rm -r \"$1\"/*", "sh"]).arg(&state),
        );
        let script = "cp -a \"$1\"/. \"$2\"";
        expect_success(self.site.host("sh").args(["-c", script, "sh"]).args([self.aside(), state]));
    }

    fn inspect(&self) -> Value {
        let inspected = self.site.clearing(["inspect", "--json", "deep"]).output();
        inspected.expect_code(0);
        serde_json::from_str(&inspected.stdout).expect("JSON")
    }

    /// Whatever had happened, all is seen as before; tells how many layers there are.
    fn expect_whole(&self) -> u64 {
        self.site.clearing(["ls"]).output().expect_code(0);
        self.site.clearing(["gc"]).output().expect_code(0);
        let layers = self.inspect()["layers"].as_u64().expect("a number");
        let there = fs::read_dir(self.site.state().join("layers")).expect("the layers").count();
        assert_eq!(there as u64, layers, "what no session names is collected");
        assert_eq!(self.sh(VIEW), self.live);
        self.site.clearing(["rollback", "deep", &format!("s{}", LAYERS - 1)]).output().expect_code(0);
        assert_eq!(self.sh(VIEW), self.sealed);
        layers
    }
}

#[test]
fn merging_that_is_killed_anywhere_is_done_or_not_and_shows_the_same() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let fixture = Fixture::new(&site);
        let (code, begun, calls) = fixture.merge(None);
        assert_eq!(code, Some(0));
        assert!(begun > 0, "a layer was made: {calls:#?}");
        assert!(calls[begun..].iter().any(|call| call.call == "linkat"), "it was filled: {calls:#?}");
        assert_eq!(fixture.expect_whole(), LAYERS);
        let all = std::env::var_os("CLEARING_CRASH_POINTS").is_some_and(|points| points == "all");
        let mut points: Vec<usize> = (begun..calls.len()).step_by(if all { 1 } else { 10 }).collect();
        points.extend(calls.len().checked_sub(1));
        points.dedup();
        let (mut old, mut new) = (0, 0);
        for point in &points {
            fixture.renew();
            fixture.merge(Some(*point));
            match fixture.expect_whole() {
                LAYERS => new += 1,
                layers => {
                    assert_eq!(layers, LAYERS + 1, "killed before {:?}", calls[*point]);
                    old += 1;
                }
            }
        }
        let (tried, calls) = (points.len(), calls.len() - begun);
        println!("crash points of merging as {caller:?}: {tried} of {calls}, {old} old, {new} new");
        assert!(old > 0 && new > 0);
    });
}
