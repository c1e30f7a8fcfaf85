//! Snapshots and rollbacks, with nothing running and with something.

use std::thread::sleep;
use std::time::{Duration, Instant};

use clearing_tests::{Client, DEADLINE, Site, assert_nothing_left, for_each_caller, patience};
use serde_json::json;

#[test]
fn a_rollback_is_refused_while_something_runs_or_ends_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        client.exec(&session, &["sh", "-c", "echo one > a"]);
        let made = client.call("snapshot/create", json!({ "session": session, "label": "one" }));
        assert_eq!(made["snapshot"], "one");
        client.exec(&session, &["sh", "-c", "echo two > a"]);
        let running = client.running(&session, &["sleep", "1000"], json!({}));
        let back = json!({ "session": session, "snapshot": "one" });
        assert_eq!(client.refused("snapshot/rollback", back), (-32000, "CLR-BUSY".into()));
        let refused = client.refused("snapshot/create", json!({ "session": session }));
        assert_eq!(refused, (-32000, "CLR-BUSY".into()));
        let back = json!({ "session": session, "snapshot": "one", "processes": "stop" });
        let back = client.call("snapshot/rollback", back);
        assert_eq!(back["snapshot"], "one");
        assert!(back["backup"].is_string());
        assert_eq!(client.result(running)["outcome"]["cause"], "cancelled");
        client.notes();
        client.exec(&session, &["cat", "a"]);
        assert_eq!(client.said("stdout"), "one\n");
        let all = client.call("snapshot/list", json!({ "session": session }));
        let names: Vec<_> =
            all["snapshots"].as_array().unwrap().iter().map(|it| it["snapshot"].clone()).collect();
        assert_eq!(names, [json!("initial"), json!("one"), back["backup"].clone()]);
        let unknown = client.refused("snapshot/rollback", json!({ "session": session, "snapshot": "none" }));
        assert_eq!(unknown, (-32000, "CLR-UNKNOWN".into()));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

/// A server with a session that undoes commands that fail.
fn undoing(site: &Site) -> (Client, String) {
    let profile = site.write_home("back.toml", "extends = \"default\"\n[rollback]\non = [\"error\"]\n");
    let mut client = site.serve([] as [&str; 0]);
    let session = client.session_by(site, &profile);
    (client, session)
}

#[test]
fn what_one_command_did_is_not_undone_for_another() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let (mut client, session) = undoing(&site);
        let open = |name: &str| json!({ "exec": name, "stdin": "open" });
        let go = |name: &str| json!({ "session": session, "exec": name, "text": "go\n" });
        let one = ["sh", "-c", "read -r line; echo a > a"];
        let one = client.running(&session, &one, open("one"));
        let other = ["sh", "-c", "read -r line; echo b > b; exit 1"];
        let other = client.running(&session, &other, open("other"));
        client.call("exec/write", go("one"));
        assert_eq!(client.result(one)["exitCode"], 0);
        // It is the last one to end, and went wrong.
        client.call("exec/write", go("other"));
        let other = client.result(other);
        assert_eq!(
            (&other["exitCode"], &other["outcome"]["rolledBack"]),
            (&json!(1), &json!(null)),
            "{other}"
        );
        assert_eq!(client.exec(&session, &["cat", "a", "b"])["exitCode"], 0);
        // One that nothing runs beside is undone.
        let alone = client.exec(&session, &["sh", "-c", "rm a; exit 1"]);
        assert_eq!(alone["outcome"]["rolledBack"]["on"], "error", "{alone}");
        assert_eq!(client.exec(&session, &["cat", "a", "b"])["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn that_a_session_could_not_go_back_is_told() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let (mut client, session) = undoing(&site);
        client.exec(&session, &["sh", "-c", "echo good > good"]);
        let failing = ["sh", "-c", "read -r line; echo bad > bad; exit 1"];
        let failing = client.running(&session, &failing, json!({ "exec": "failing", "stdin": "open" }));
        // What its next record would be written to.
        let record = site.state().join("sessions").join(&session).join(".later");
        let _ = std::fs::remove_file(&record);
        std::fs::create_dir(&record).unwrap();
        client.call("exec/write", json!({ "session": session, "exec": "failing", "text": "go\n" }));
        let outcome = client.result(failing)["outcome"].clone();
        std::fs::remove_dir(&record).unwrap();
        assert_eq!((&outcome["exitCode"], &outcome["rolledBack"]), (&json!(1), &json!(null)), "{outcome}");
        assert_eq!(outcome["notRolledBack"]["code"], "CLR-STATE", "{outcome}");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn what_is_told_to_be_kept_stays_when_nothing_runs_any_more() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let rules = "extends = \"default\"\n[rollback]\non = [\"error\"]\nmax_snapshots = 1\n";
        let profile = site.write_home("one.toml", rules);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session_by(&site, &profile);
        client.exec(&session, &["sh", "-c", "echo good > file"]);
        client.call("snapshot/create", json!({ "session": session, "label": "asked" }));
        for number in 1..4 {
            let script = format!("echo {number} > file; exit 1");
            let failed = client.exec(&session, &["sh", "-c", &script]);
            let kept = &failed["outcome"]["rolledBack"]["keptAs"];
            assert_eq!(*kept, json!(format!("rolled-back-{number}")), "{failed}");
            // Whatever was before is forgotten when nothing has run for a moment.
            let until = Instant::now() + patience(DEADLINE);
            while snapshots(&mut client, &session) > 2 {
                assert!(Instant::now() < until, "{}", client.told());
                sleep(Duration::from_millis(20));
            }
            sleep(Duration::from_millis(300));
            let back = json!({ "session": session, "snapshot": kept });
            assert_eq!(client.call("snapshot/rollback", back)["snapshot"], *kept);
            client.notes();
            client.exec(&session, &["cat", "file"]);
            assert_eq!(client.said("stdout"), format!("{number}\n"));
            client.call("snapshot/rollback", json!({ "session": session, "snapshot": "asked" }));
        }
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

/// So many snapshots, more than there may be layers that no snapshot needs.
const MANY: usize = 120;
/// So many the profile keeps.
const KEPT: usize = 3;
/// So many more may be there while nobody leaves off.
const SLACK: usize = 32;

fn snapshots(client: &mut Client, session: &str) -> usize {
    let all = client.call("snapshot/list", json!({ "session": session }));
    // But for the first one.
    all["snapshots"].as_array().unwrap().len() - 1
}

#[test]
fn a_session_that_lives_on_keeps_as_many_snapshots_as_its_profile_says() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let rules = format!("extends = \"default\"\n[rollback]\non = [\"error\"]\nmax_snapshots = {KEPT}\n");
        let profile = site.write_home("few.toml", rules);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session_by(&site, &profile);
        for number in 0..MANY {
            let script = format!("echo {number} > f{number}; echo {number} > ~/last");
            assert_eq!(client.exec(&session, &["sh", "-c", &script])["exitCode"], 0, "{}", client.told());
        }
        let busy = snapshots(&mut client, &session);
        assert!(busy <= KEPT + SLACK + 2, "{busy} snapshots");
        let until = Instant::now() + patience(DEADLINE);
        while snapshots(&mut client, &session) > KEPT {
            assert!(Instant::now() < until, "{}", client.told());
            sleep(Duration::from_millis(20));
        }
        let seen = format!("ls f* | wc -l; cat f* | sort -n | tail -n 1; cat ~/last; echo > g{MANY}");
        client.notes();
        assert_eq!(client.exec(&session, &["sh", "-c", &seen])["exitCode"], 0);
        let last = MANY - 1;
        assert_eq!(client.said("stdout"), format!("{MANY}\n{last}\n{last}\n"));
        let layers = client.call("session/get", json!({ "session": session }))["layers"].as_u64().unwrap();
        assert!(layers <= 36, "{layers} layers");
        // What is undone goes back to where it was, whatever was merged.
        let undone = client.exec(&session, &["sh", "-c", "rm f*; exit 1"]);
        assert_eq!(undone["outcome"]["rolledBack"]["on"], "error", "{undone}");
        client.notes();
        client.exec(&session, &["sh", "-c", "ls f* | wc -l"]);
        assert_eq!(client.said("stdout"), format!("{MANY}\n"));
        client.call("session/destroy", json!({ "session": session }));
        assert_eq!(client.finish(), 0);
        assert_eq!(std::fs::read_dir(site.state().join("layers")).unwrap().count(), 0);
        assert_nothing_left(&site);
    });
}
