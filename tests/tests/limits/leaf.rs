//! A command of a session with limits of its own: the kernel holds them for it alone, where groups can be had.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use clearing_tests::{Caller, Client, Site, absent, assert_nothing_left, for_each_caller, patience};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::means::{self, Means};

/// Takes some 96 MiB, in many processes.
const HOG: [&str; 3] = ["./probe", "hog", "processes"];
/// What never happens within this does not happen.
const ENOUGH: Duration = Duration::from_secs(10);

#[test]
fn out_of_memory_is_the_end_of_one_command_and_told_of_no_other() {
    for_each_caller(|caller| {
        let mut held = Held::session(caller, "");
        let left = held.leave("sleep 1000", json!({}));
        held.begin("other", &["sh", "-c", "read -r line < go; exit 7"], json!({}));
        let ended = held.run(&HOG, json!({ "memory": "64M" }));
        let outcome = &ended["outcome"];
        let told = (&outcome["cause"], &outcome["exceeded"]["limit"], &outcome["limits"]["memory"]["limit"]);
        assert_eq!(told, (&json!("oom"), &json!("memory"), &json!(64 << 20)), "{ended}");
        let by_kernel = means::of(caller) == Means::Cgroup2;
        let by = if by_kernel { "cgroup2" } else { "watchdog" };
        assert_eq!(outcome["limits"]["memory"]["enforcedBy"], by, "{ended}");
        assert_eq!(times(outcome, "oomKills") > 0, by_kernel, "{ended}");
        assert_eq!(held.run(&["kill", "-0", &left], json!({}))["exitCode"], 0, "what ran before goes on");
        held.run(&["sh", "-c", "echo > go"], json!({}));
        let other = held.wait_for("other");
        assert_eq!((&other["exitCode"], times(&other["outcome"], "oomKills")), (&json!(7), 0), "{other}");
        assert!(other["outcome"]["alerts"].as_array().is_none_or(Vec::is_empty), "{other}");
        held.end();
    });
}

#[test]
fn processes_of_others_do_not_count() {
    for_each_caller(|caller| {
        let Some(mut held) = Held::with_leaves(caller, "") else { return };
        held.leave("for n in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1000 & done; wait", json!({}));
        let ended = held.run(&["./probe", "forks", "7"], json!({ "processes": 8 }));
        assert_eq!(ended["exitCode"], 0, "{ended}");
        let ended = held.run(&["./probe", "forks", "8"], json!({ "processes": 8 }));
        let outcome = &ended["outcome"];
        let told = (&outcome["cause"], &outcome["limits"]["processes"]["enforcedBy"]);
        assert_eq!(told, (&json!("pids"), &json!("cgroup2")), "{ended}");
        assert!(times(outcome, "forksRefused") > 0, "{ended}");
        let ended = held.run(&["sh", "-c", "./probe forks 20; exit 3"], json!({}));
        let told = (&ended["outcome"]["cause"], times(&ended["outcome"], "forksRefused"));
        assert_eq!(told, (&json!("exit"), 0), "{ended}");
        held.end();
    });
}

#[test]
fn what_each_used_is_its_own() {
    for_each_caller(|caller| {
        let Some(mut held) = Held::with_leaves(caller, "") else { return };
        held.begin("much", &["./probe", "job", "48", "1000"], json!({ "memory": "512M" }));
        held.begin("little", &["./probe", "job", "4", "100"], json!({ "memory": "256M" }));
        let [much, little] = ["much", "little"].map(|exec| held.wait_for(exec)["outcome"].clone());
        let number = |outcome: &Value, name: &str| outcome["usage"][name].as_u64().unwrap();
        let cpu = |outcome: &Value| number(outcome, "userUs") + number(outcome, "systemUs");
        let all = format!("{much}\n{little}");
        assert!(number(&much, "peakMemory") >= 48 << 20 && number(&little, "peakMemory") < 48 << 20, "{all}");
        assert!(cpu(&much) > cpu(&little) + 500_000, "{all}");
        let slow = held.run(&["./probe", "job", "4", "600"], json!({ "cpus": "0.5" }))["outcome"].clone();
        assert_eq!(slow["limits"]["cpus"]["enforcedBy"], "cgroup2", "{slow}");
        assert!(slow["usage"]["averageCpus"].as_f64().unwrap() < 0.7, "{slow}");
        held.end();
    });
}

#[test]
fn what_a_command_leaves_running_stays_within_its_limits() {
    for_each_caller(|caller| {
        let Some(mut held) = Held::with_leaves(caller, "") else { return };
        let other = held.leave("sleep 1000", json!({}));
        held.leave("read -r line < go; ./probe hog processes", json!({ "memory": "64M" }));
        let [leaf] = &held.leaves()[..] else { panic!("{:?}", held.leaves()) };
        let leaf = leaf.clone();
        held.run(&["sh", "-c", "echo > go"], json!({}));
        assert!(within(|| !leaf.exists()), "{leaf:?}: {:?}", fs::read_to_string(leaf.join("memory.events")));
        assert_eq!(held.run(&["kill", "-0", &other], json!({}))["exitCode"], 0, "others go on");
        held.end();
    });
}

#[test]
fn the_limits_of_a_session_hold_beside_those_of_a_command() {
    for_each_caller(|caller| {
        let limits = "memory = \"96M\"\nprocesses = 64\n";
        let Some(mut held) = Held::with_leaves(caller, limits) else { return };
        let left = held.leave("sleep 1000", json!({}));
        let ended = held.run(&["./probe", "job", "40", "100"], json!({ "memory": "32M" }));
        assert_eq!(ended["outcome"]["cause"], "oom", "{ended}");
        assert_eq!(held.run(&["kill", "-0", &left], json!({}))["exitCode"], 0, "others go on");
        let ended = held.run(&["./probe", "forks", "8"], json!({ "processes": 8 }));
        assert_eq!(ended["outcome"]["cause"], "pids", "{ended}");
        let ended = held.run(&["sh", "-c", "exit 3"], json!({}));
        let outcome = &ended["outcome"];
        let told = (&outcome["cause"], times(outcome, "oomKills"), times(outcome, "forksRefused"));
        assert_eq!(told, (&json!("exit"), 0, 0), "{ended}");
        // One that may have more than the session gets no more than that.
        let ended = held.run(&["./probe", "forks", "70"], json!({ "processes": 1000 }));
        assert_ne!(ended["exitCode"], 0, "{ended}");
        let why = ended["outcome"]["limits"]["processes"]["why"].as_str().unwrap();
        assert!(why.contains("holds less"), "{ended}");
        held.end();
    });
}

#[test]
fn where_a_group_is_required_no_command_runs_with_limits_that_none_holds() {
    for_each_caller(|caller| {
        let mut held = Held::by(
            caller,
            "extends = \"default\"\nwiden = true\nreason = \"a proof\"\n[limits]\ncgroup = \"required\"\n\
             memory = \"none\"\nprocesses = \"none\"\n",
        );
        let own = json!({ "memory": "64M" });
        if means::of(caller) == Means::Cgroup2 {
            let ended = held.run(&["true"], own);
            assert_eq!(ended["outcome"]["limits"]["memory"]["enforcedBy"], "cgroup2", "{ended}");
        } else {
            let asked = json!({ "session": held.session, "argv": ["true"], "limits": own });
            assert_eq!(held.client.refused("exec/start", asked), (-32000, "CLR-SETUP".into()));
        }
        // No limit is none that somebody has to hold.
        assert_eq!(held.run(&["true"], json!({ "memory": "none" }))["exitCode"], 0);
        held.end();
    });
}

#[test]
fn a_command_sees_nothing_of_its_group() {
    for_each_caller(|caller| {
        let Some(mut held) = Held::with_leaves(caller, "") else { return };
        let look = "cat /proc/self/cgroup; ls /sys/fs/cgroup 2>&1; ls -l /proc/self/fd";
        held.client.notes();
        held.run(&["sh", "-c", look], json!({ "memory": "64M" }));
        let said = held.client.said("stdout");
        assert!(said.lines().any(|line| line == "0::/"), "{said}");
        assert!(!said.contains("cgroup.") && !said.contains("clearing-"), "{said}");
        // The directory that is listed, and nothing of ours.
        let open = said.lines().filter(|line| line.contains(" -> ")).count();
        assert_eq!(open, 4, "{said}");
        held.end();
    });
}

#[test]
fn cancelled_it_ends_with_all_that_is_in_its_leaf() {
    for_each_caller(|caller| {
        let Some(mut held) = Held::with_leaves(caller, "") else { return };
        // What lowers this limit for good does not look like this command's any more.
        let script = "(ulimit -R 1 2>/dev/null; trap '' TERM; setsid sleep 1000) & sleep 1000";
        let more = json!({ "exec": "it", "limits": { "memory": "64M" } });
        let id = held.client.running(&held.session, &["bash", "-c", script], more);
        assert!(within(|| held.leaves().iter().any(|leaf| count(leaf) >= 3)), "{:?}", held.leaves());
        held.client.cancel(id);
        assert_eq!(held.client.error(id), (-32800, "CLR-CANCELLED".into()));
        assert!(within(|| held.leaves().is_empty()), "{:?}", held.leaves());
        held.end();
    });
}

#[test]
fn a_server_that_is_killed_leaves_no_leaf() {
    for_each_caller(|caller| {
        for limits in ["", "memory = \"96M\"\n"] {
            let Some(mut held) = Held::with_leaves(caller, limits) else { return };
            held.leave("sleep 1000", json!({ "memory": "64M" }));
            held.begin("it", &["sleep", "1000"], json!({ "processes": 8 }));
            assert_eq!(held.leaves().len(), 2);
            let leaves = held.leaves();
            held.client.signal(Signal::SIGKILL);
            assert!(within(|| !leaves.iter().any(|leaf| leaf.exists())), "{leaves:?}");
            assert_nothing_left(&held.site);
        }
    });
}

/// A session in a server.
struct Held {
    site: Site,
    client: Client,
    session: String,
}

impl Held {
    /// With such limits.
    fn session(caller: Caller, limits: &str) -> Self {
        Self::by(caller, &format!("extends = \"default\"\n[limits]\n{limits}"))
    }

    /// With this profile.
    fn by(caller: Caller, text: &str) -> Self {
        let site = Site::new(caller);
        site.install_probe();
        let profile = site.write_home("limited.toml", text);
        let mut client = site.serve([] as [&str; 0]);
        let made = client.call("session/create", json!({ "workspace": site.project(), "profile": profile }));
        let session = made["session"].as_str().unwrap().to_owned();
        let mut held = Self { site, client, session };
        held.run(&["mkfifo", "go"], json!({}));
        held
    }

    /// The same where this host lets the kernel hold the limits of one command.
    fn with_leaves(caller: Caller, limits: &str) -> Option<Self> {
        if means::of(caller) == Means::Cgroup2 {
            return Some(Self::session(caller, limits));
        }
        absent(&format!("as {caller:?}: no control groups of version 2 are delegated here"));
        None
    }

    fn run(&mut self, argv: &[&str], limits: Value) -> Value {
        self.client.exec_with(&self.session, argv, json!({ "limits": limits }))
    }

    fn begin(&mut self, exec: &str, argv: &[&str], limits: Value) {
        let more = json!({ "exec": exec, "limits": limits, "yieldMs": 0 });
        self.client.running(&self.session, argv, more);
    }

    fn wait_for(&mut self, exec: &str) -> Value {
        self.client.call("exec/wait", json!({ "session": self.session, "exec": exec }))
    }

    /// A command that ends at once and leaves a shell with this script running, which it names.
    fn leave(&mut self, script: &str, limits: Value) -> String {
        self.client.notes();
        let ended = self.run(&["sh", "-c", &format!("({script}) >/dev/null 2>&1 & echo $!")], limits);
        assert_eq!(ended["exitCode"], 0, "{ended}");
        self.client.said("stdout").trim().to_owned()
    }

    /// The directories of its commands' groups.
    fn leaves(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        find(Path::new("/sys/fs/cgroup"), &format!("clearing-{}-", self.client.pid()), &mut found);
        found
    }

    fn end(mut self) {
        self.client.call("session/destroy", json!({ "session": self.session }));
        assert!(within(|| self.leaves().is_empty()), "{:?}", self.leaves());
        assert_eq!(self.client.finish(), 0);
        assert_nothing_left(&self.site);
    }
}

fn find(directory: &Path, group: &str, found: &mut Vec<PathBuf>) {
    for path in below(directory) {
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(group)) {
            let is_leaf = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("exec-");
            found.extend(below(&path).into_iter().filter(is_leaf));
        } else {
            find(&path, group, found);
        }
    }
}

fn below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let groups = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    groups.map(|entry| entry.path()).collect()
}

/// What has never happened is left out.
fn times(outcome: &Value, what: &str) -> u64 {
    outcome[what].as_u64().unwrap_or(0)
}

/// How many processes are in a group.
fn count(group: &Path) -> usize {
    fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default().lines().count()
}

fn within(condition: impl Fn() -> bool) -> bool {
    let until = Instant::now() + patience(ENOUGH);
    while !condition() {
        if Instant::now() > until {
            return false;
        }
        sleep(Duration::from_millis(10));
    }
    true
}
