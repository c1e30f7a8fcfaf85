//! Killed before any of the system calls that change something, a verb on a session has been carried out or
//! has never been, and nothing that was sealed is lost.
//!
//! `CLEARING_CRASH_POINTS=all` tries every point; else every tenth, and the first and the last.
#![cfg(target_arch = "x86_64")]

use clearing_tests::{Site, expect_success, for_each_caller, run_and_kill};
use serde_json::Value;

/// Prints all that a session shows of project and home.
const VIEW: &str = "find . ~/kept -type f | sort | while read f; do echo \"$f: $(cat \"$f\")\"; done";
const FIRST: &str = "echo one > changed; rm -r gone; mkdir made; echo in > made/in; echo h > ~/kept";
const SECOND: &str = "echo two > changed; rm -r made; echo late > late; echo h2 > ~/kept; ln -s late link";

/// A session with a sealed layer and a live one, over a project of six paths.
struct Fixture<'s> {
    site: &'s Site,
    id: String,
    /// What it shows at the snapshot `one`.
    sealed: String,
    /// What it shows at present.
    live: String,
}

impl<'s> Fixture<'s> {
    fn new(site: &'s Site) -> Self {
        for path in ["changed", "gone/a", "gone/b", "kept"] {
            if !site.project().join(path).exists() {
                site.write(path, path);
            }
        }
        let created = site.clearing(["create"]).output();
        let id = created.expect_code(0).stdout.trim().to_owned();
        let mut fixture = Self { site, id, sealed: String::new(), live: String::new() };
        fixture.sealed = fixture.sh(&format!("{FIRST}; {VIEW}"));
        site.clearing(["snapshot", &fixture.id, "one"]).output().expect_code(0);
        fixture.live = fixture.sh(&format!("{SECOND}; {VIEW}"));
        fixture
    }

    #[track_caller]
    fn sh(&self, script: &str) -> String {
        let output = self.site.clearing(["exec", &self.id]).command(["sh", "-c", script]).output();
        output.expect_code(0);
        output.stdout
    }

    /// The names of its snapshots; none where there is no session any more.
    fn snapshots(&self) -> Option<Vec<String>> {
        let inspected = self.site.clearing(["inspect", "--json", &self.id]).output();
        let told: Value = serde_json::from_str(&inspected.stdout).ok()?;
        let names = told["snapshots"].as_array()?.iter();
        Some(names.filter_map(|snapshot| Some(snapshot["name"].as_str()?.to_owned())).collect())
    }

    /// At a snapshot it shows this.
    #[track_caller]
    fn expect_at(&self, snapshot: &str, view: &str) {
        self.site.clearing(["rollback", &self.id, snapshot]).output().expect_code(0);
        assert_eq!(self.sh(VIEW), view, "at {snapshot}");
    }
}

/// Kills the verb at its points, each in a fixture of its own, and looks at what is there afterwards.
fn kill_everywhere(verb: &str, arguments: &dyn Fn(&Fixture<'_>) -> Vec<String>, look: &dyn Fn(&Fixture<'_>)) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let run = |fixture: &Fixture<'_>, point: Option<usize>| {
            let arguments = arguments(fixture);
            run_and_kill(&site, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), point)
        };
        let calls = run(&Fixture::new(&site), None).changes.len();
        let all = std::env::var_os("CLEARING_CRASH_POINTS").is_some_and(|points| points == "all");
        let mut points: Vec<usize> = (0..calls).step_by(if all { 1 } else { 10 }).collect();
        points.extend(calls.checked_sub(1));
        points.dedup();
        for point in &points {
            let fixture = Fixture::new(&site);
            run(&fixture, Some(*point));
            site.clearing(["ls"]).output().expect_code(0);
            look(&fixture);
            site.clearing(["rm", "--yes", &fixture.id]).output();
        }
        for line in site.clearing(["ls", "--json"]).output().stdout.lines() {
            let told: Value = serde_json::from_str(line).expect("JSON");
            site.clearing(["rm", "--yes", told["session"].as_str().expect("an id")]).output().expect_code(0);
        }
        site.clearing(["gc"]).output().expect_code(0);
        let left = std::fs::read_dir(site.state().join("layers")).expect("the layers").count();
        assert_eq!(left, 0, "layers of no session are left");
        println!("crash points of {verb} as {caller:?}: {} of {calls}", points.len());
        assert!(calls > 3);
    });
}

fn with_id(verb: &'static str, rest: &'static [&'static str]) -> impl Fn(&Fixture<'_>) -> Vec<String> {
    move |fixture| [&[verb, &fixture.id], rest].concat().iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn a_snapshot_that_is_killed_is_there_or_not() {
    kill_everywhere("snapshot", &with_id("snapshot", &["two"]), &|fixture| {
        assert_eq!(fixture.sh(VIEW), fixture.live);
        if fixture.snapshots().expect("a session").contains(&"two".to_owned()) {
            fixture.expect_at("two", &fixture.live);
        }
        fixture.expect_at("one", &fixture.sealed);
    });
}

#[test]
fn a_rollback_that_is_killed_is_done_or_not_and_loses_nothing() {
    kill_everywhere("rollback", &with_id("rollback", &["one"]), &|fixture| {
        let view = fixture.sh(VIEW);
        if view == fixture.live {
            return fixture.expect_at("one", &fixture.sealed);
        }
        assert_eq!(view, fixture.sealed);
        fixture.expect_at("before-rollback-1", &fixture.live);
    });
}

#[test]
fn a_fork_that_is_killed_is_whole_or_not_there() {
    kill_everywhere("fork", &with_id("fork", &["--name", "twin"]), &|fixture| {
        assert_eq!(fixture.sh(VIEW), fixture.live);
        let twin = fixture.site.clearing(["exec", "twin"]).command(["sh", "-c", VIEW]).output();
        if twin.code == Some(0) {
            assert_eq!(twin.stdout, fixture.live);
            fixture.site.clearing(["rm", "--yes", "twin"]).output().expect_code(0);
        } else {
            twin.expect_stderr("there is no session `twin`");
        }
        fixture.expect_at("one", &fixture.sealed);
    });
}

#[test]
fn a_collection_that_is_killed_takes_nothing_that_is_needed() {
    // What a killed seal, and a killed removal, left.
    let collect = |fixture: &Fixture<'_>| {
        let layers = fixture.site.state().join("layers");
        let garbage =
            "mkdir -p l-garbage/project.upper/d .gone-l-x/home.upper; echo x > l-garbage/project.upper/d/x";
        expect_success(fixture.site.host("sh").args(["-c", garbage]).current_dir(layers));
        vec!["gc".to_owned()]
    };
    kill_everywhere("gc", &collect, &|fixture| {
        assert_eq!(fixture.sh(VIEW), fixture.live);
        fixture.expect_at("one", &fixture.sealed);
    });
}

#[test]
fn a_removal_that_is_killed_leaves_a_whole_session_or_none() {
    kill_everywhere("rm", &with_id("rm", &["--yes"]), &|fixture| {
        if fixture.snapshots().is_some() {
            assert_eq!(fixture.sh(VIEW), fixture.live);
            fixture.expect_at("one", &fixture.sealed);
        }
    });
}
