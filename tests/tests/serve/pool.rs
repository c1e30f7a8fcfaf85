//! Sessions that were made before they were asked for are as those that are made then, and nobody's until then.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::{Duration, Instant};

use clearing_tests::{Client, DEADLINE, Site, assert_nothing_left, for_each_caller, patience};
use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};

use crate::ending::{descendants, is_init};

/// What a command can see of how its session was made.
const LOOK: &str = "env | grep -v '^_=' | sort; pwd; id; umask; ls -a /; ls -la --time-style=+ . \"$HOME\" /etc; \
                    cat /etc/passwd; grep -E 'Cap|Seccomp|NoNew' /proc/self/status; ulimit -a; \
                    find . | sort; cat a 2>&1; cut -d' ' -f4- /proc/self/mountinfo | wc -l";

/// The sessions that nobody was given.
fn parked(site: &Site) -> BTreeSet<String> {
    let Ok(sessions) = fs::read_dir(site.state().join("sessions")) else { return BTreeSet::new() };
    let sessions = sessions.map(|entry| entry.unwrap());
    let parked = sessions.filter(|entry| entry.metadata().is_ok_and(|it| it.mode() & 0o1000 != 0));
    parked.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

fn wait_for(client: &mut Client, number: u64) {
    let until = Instant::now() + patience(DEADLINE);
    loop {
        // Not so often that nothing is ever parked.
        std::thread::sleep(Duration::from_millis(60));
        if client.call("health", json!({}))["parked"] == number {
            return;
        }
        assert!(Instant::now() < until, "{}", client.told());
    }
}

/// A server with one session parked for the site's project.
fn server_with_one(site: &Site, profile: &str) -> (Client, String) {
    let mut client = site.serve(["--pool", "1"]);
    let first = client.call("session/create", json!({ "workspace": site.project(), "profile": profile }));
    client.call("session/destroy", json!({ "session": first["session"] }));
    wait_for(&mut client, 1);
    let one = parked(site).into_iter().next().unwrap();
    (client, one)
}

/// What the record has of each act of this verb: that it was decided, and what came of it.
fn audited(site: &Site, verb: &str) -> Vec<Vec<Value>> {
    let text = fs::read_to_string(site.state().join("audit.jsonl")).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &mut lines {
        for changing in ["seq", "previous", "time", "of", "session"] {
            line.as_object_mut().unwrap().remove(changing);
        }
    }
    lines.windows(2).filter(|lines| lines[0]["verb"] == verb).map(<[Value]>::to_vec).collect()
}

#[test]
fn one_from_the_pool_is_as_a_new_one() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for (path, text) in [("a", "one\n"), ("gone", "x"), ("d/e", "deep\n")] {
            site.write(path, text);
        }
        let mut client = site.serve(["--pool", "1"]);
        let first = client.session(&site);
        wait_for(&mut client, 1);
        let one = parked(&site).into_iter().next().unwrap();
        // What changes meanwhile is seen as by a new one.
        fs::rename(site.write("b", "two\n"), site.project().join("a")).unwrap();
        fs::remove_file(site.project().join("gone")).unwrap();
        fs::remove_dir_all(site.project().join("d")).unwrap();
        site.write("d/f", "new\n");
        site.write("new/deep/g", "g\n");
        client.call("session/refresh", json!({ "session": first }));
        let taken =
            client.call("session/create", json!({ "workspace": site.project(), "labels": { "task": "1" } }));
        assert_eq!(
            (&taken["session"], &taken["labels"]["task"]),
            (&json!(one), &json!("1")),
            "{}",
            client.told()
        );
        let mut seen = Vec::new();
        for session in [&first, &one] {
            client.notes();
            let ended = client.exec(session, &["sh", "-c", LOOK]);
            let outcome = &ended["outcome"];
            assert_eq!(ended["exitCode"], 0, "{ended}");
            let said = client.said("stdout");
            assert!(
                said.contains("two\n") && said.contains("./new/deep/g") && !said.contains("d/e"),
                "{said}"
            );
            let told = client.call("session/get", json!({ "session": session }));
            let same = |value: &Value, names: &[&str]| names.iter().map(|name| value[name].clone()).collect();
            let outcome: Vec<Value> =
                same(outcome, &["cause", "tier", "guards", "limits", "changes", "projectChanged"]);
            let told: Vec<Value> =
                same(&told, &["name", "live", "state", "project", "profile", "execs", "layers", "inodes"]);
            seen.push((said, outcome, told));
        }
        assert_eq!(seen[0], seen[1]);
        for verb in ["create", "exec"] {
            let acts = audited(&site, verb);
            assert!(acts.len() == 2 && acts[0] == acts[1], "{acts:?}");
        }
        client.call("session/destroy", json!({ "session": first }));
        client.call("session/destroy", json!({ "session": one }));
        assert_eq!(client.finish(), 0);
        assert_eq!(fs::read_dir(site.state().join("layers")).unwrap().count(), 0);
        assert_nothing_left(&site);
    });
}

/// What changes, how, and what holds in a session that is made after that.
type Change = (&'static str, fn(&Site), &'static str);

/// What changes while one is parked.
const CHANGES: [Change; 7] = [
    ("a hidden file", |site| drop(site.write(".env", "SECRET=1\n")), "test ! -e .env"),
    (
        "the project's own profile",
        |site| drop(site.write(".clearing/profile.toml", "[limits]\nnofile = 77\n")),
        "test $(ulimit -n) = 77",
    ),
    (
        "the profile",
        |site| {
            let text = "extends = \"default\"\n[limits]\nnofile = 78\n";
            drop(site.write_home(".config/clearing/profiles/mine.toml", text));
        },
        "test $(ulimit -n) = 78",
    ),
    (
        "the project",
        |site| {
            fs::rename(site.project(), site.home().join("other")).unwrap();
            drop(site.write("another", "x"));
            site.own(&site.project());
        },
        "test -e another",
    ),
    (
        "what is shown of the home",
        |site| {
            drop(site.write_home(".gitconfig", "[user]\n\tname = Ann\n"));
            std::thread::sleep(Duration::from_millis(1100));
        },
        "grep -q Ann ~/.gitconfig",
    ),
    (
        "the session's own directory",
        |site| {
            let sessions = site.state().join("sessions");
            parked(site).iter().for_each(|one| fs::remove_dir_all(sessions.join(one)).unwrap());
        },
        "true",
    ),
    (
        "a hidden file that is none any more",
        |site| fs::remove_file(site.project().join("id_rsa")).unwrap(),
        "true",
    ),
];

#[test]
fn what_would_be_another_one_by_now_is_made_anew() {
    for_each_caller(|caller| {
        for (what, change, proof) in CHANGES {
            let site = Site::new(caller);
            site.write("a", "one\n");
            site.write("id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
            site.write_home(".config/clearing/profiles/mine.toml", "extends = \"default\"\n");
            let (mut client, one) = server_with_one(&site, "mine");
            change(&site);
            let params = json!({ "workspace": site.project(), "profile": "mine" });
            let made = client.call("session/create", params);
            assert_ne!(made["session"], json!(one), "{what}");
            let ended = client.exec(made["session"].as_str().unwrap(), &["sh", "-c", proof]);
            assert_eq!(ended["exitCode"], 0, "{what}: {ended}");
            assert_eq!(client.finish(), 0);
            assert!(!site.state().join("sessions").join(one).exists(), "{what}");
            assert_nothing_left(&site);
        }
    });
}

#[test]
fn a_state_directory_that_others_may_write_to_is_refused_as_it_is_for_a_new_one() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let (mut client, _) = server_with_one(&site, "default");
        let let_in = |mode| fs::set_permissions(site.state(), fs::Permissions::from_mode(mode)).unwrap();
        let_in(0o770);
        std::thread::sleep(Duration::from_millis(1100));
        let params = json!({ "workspace": site.project() });
        assert_eq!(client.refused("session/create", params.clone()).1, "CLR-STATE");
        let_in(0o700);
        client.call("session/create", params);
        assert_eq!(client.finish(), 0);
    });
}

#[test]
fn what_is_parked_is_shown_to_nobody_and_collected_when_its_server_is_killed() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve(["--pool", "2"]);
        let first = client.session(&site);
        wait_for(&mut client, 2);
        let two = parked(&site);
        assert_eq!(two.len(), 2);
        let listed = client.call("session/list", json!({}));
        assert_eq!(listed["sessions"].as_array().unwrap().len(), 1);
        assert_eq!(client.call("health", json!({}))["sessions"], 1);
        assert_eq!(site.clearing(["ls", "--json"]).output().stdout.lines().count(), 1);
        site.clearing(["gc", "--keep", "1", "--yes"]).output().expect_code(0);
        for id in &two {
            assert_eq!(client.refused("session/get", json!({ "session": id })).1, "CLR-UNKNOWN");
            assert_eq!(client.refused("session/create", json!({ "session": id })).1, "CLR-UNKNOWN");
            assert_eq!(client.refused("session/destroy", json!({ "session": id })).1, "CLR-UNKNOWN");
            site.clearing(["exec", id, "--", "true"]).output().expect_code(125);
        }
        assert_eq!(parked(&site), two);
        client.signal(Signal::SIGKILL);
        drop(client);
        assert_eq!(parked(&site), two);
        site.clearing(["gc"]).output().expect_code(0);
        assert_eq!(site.clearing(["ls", "--json"]).output().stdout.lines().count(), 1);
        site.clearing(["rm", &first, "--yes"]).output().expect_code(0);
        for kept in ["sessions", "layers"] {
            assert_eq!(fs::read_dir(site.state().join(kept)).unwrap().count(), 0, "{kept}");
        }
        assert_nothing_left(&site);
    });
}

#[test]
fn two_that_ask_at_once_get_one_each_and_no_more_are_parked_than_were_said() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve(["--pool", "2"]);
        client.session(&site);
        wait_for(&mut client, 2);
        let two = parked(&site);
        let params = || json!({ "workspace": site.project() });
        let asked: Vec<i64> = (0..3).map(|_| client.ask("session/create", params())).collect();
        let made: BTreeSet<String> =
            asked.into_iter().map(|id| client.result(id)["session"].as_str().unwrap().to_owned()).collect();
        assert!(made.len() == 3 && two.is_subset(&made), "{two:?} {made:?}");
        wait_for(&mut client, 2);
        assert_eq!(
            (parked(&site).len(), client.call("health", json!({}))["sessions"].clone()),
            (2, json!(4))
        );
        for session in &made {
            assert_eq!(client.exec(session, &["true"])["exitCode"], 0);
        }
        // What is asked for last has the places of what was asked for before.
        let params = json!({ "workspace": site.project(), "profile": "strict" });
        client.call("session/create", params);
        std::thread::sleep(Duration::from_millis(100));
        wait_for(&mut client, 2);
        assert_eq!(client.finish(), 0);
        assert!(parked(&site).is_empty());
        assert_nothing_left(&site);
    });
}

#[test]
fn a_name_is_given_to_one_session() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let (mut client, one) = server_with_one(&site, "default");
        let named = |name: &str| json!({ "workspace": site.project(), "name": name, "idleMs": 3000 });
        assert_eq!(client.call("session/create", named("mine"))["session"], json!(one));
        assert_eq!(client.exec("mine", &["true"])["exitCode"], 0);
        wait_for(&mut client, 1);
        assert_eq!(client.refused("session/create", named("mine")).1, "CLR-NAME");
        // The bounds on its life are counted from when it was given.
        let until = Instant::now() + patience(DEADLINE);
        while client.call("health", json!({}))["sessions"] != 0 {
            assert!(Instant::now() < until);
        }
        assert_eq!(client.finish(), 0);
        site.clearing(["exec", "mine", "--", "true"]).output().expect_code(0);
        assert_nothing_left(&site);
    });
}

#[test]
fn one_whose_init_is_killed_is_not_given() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let (mut client, one) = server_with_one(&site, "default");
        let inits: Vec<_> = descendants(client.pid()).into_iter().filter(|pid| is_init(*pid)).collect();
        assert!(!inits.is_empty());
        inits.iter().for_each(|pid| kill(*pid, Signal::SIGKILL).unwrap());
        while descendants(client.pid()).iter().any(|pid| is_init(*pid)) {}
        let made = client.session(&site);
        assert_ne!(made, one);
        assert_eq!(client.exec(&made, &["true"])["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_pool_has_a_bound() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.clearing(["serve", "--stdio", "--pool", "65"]).output().expect_code(125);
    });
}
