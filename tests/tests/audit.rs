//! The record: what was decided before each act, and what came of it, in lines that nobody can change unseen.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use clearing_tests::{Caller, Output, Site, for_each_caller, skip};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

fn lines(site: &Site) -> Vec<Value> {
    let text = fs::read_to_string(site.state().join("audit.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
fn expect_whole(site: &Site) {
    site.clearing(["audit", "verify"]).output().expect_code(0);
}

/// Of each act its verb, and whether it was done.
fn acts(site: &Site) -> Vec<(String, Option<bool>)> {
    let lines = lines(site);
    let decisions = lines.iter().filter(|line| line["type"] == "decision");
    let end = |seq: &Value| lines.iter().find(|line| line["of"] == *seq).map(|line| line["done"] == true);
    decisions.map(|line| (line["verb"].as_str().unwrap().to_owned(), end(&line["seq"]))).collect()
}

fn done(site: &Site, arguments: &[&str]) -> Output {
    let output = site.clearing(arguments).output();
    output.expect_code(0);
    output
}

#[test]
fn each_act_has_its_decision_and_its_outcome() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let id = done(&site, &["create", "--name", "s"]).stdout.trim().to_owned();
        site.clearing(["exec", "s"]).command(["sh", "-c", "echo new > new"]).output().expect_code(0);
        done(&site, &["snapshot", "s", "one"]);
        done(&site, &["fork", "s", "--name", "f"]);
        done(&site, &["commit", "s"]);
        done(&site, &["discard", "f", "--yes"]);
        done(&site, &["rollback", "s", "one"]);
        done(&site, &["rm", "f", "--yes"]);
        done(&site, &["gc", "--keep", "0", "--yes"]);
        let verbs = ["create", "exec", "snapshot", "fork", "commit", "discard", "rollback", "rm", "gc"];
        assert_eq!(acts(&site), verbs.map(|verb| (verb.to_owned(), Some(true))));
        expect_whole(&site);
        // A session is found by its id when it is gone.
        let shown = done(&site, &["audit", "show", "--session", &id]).stdout;
        assert_eq!(shown.lines().count(), 1 + 6, "{shown}");
        assert!(shown.contains("exit 0") && shown.contains("sh -c echo new > new"), "{shown}");
        assert_eq!(done(&site, &["audit", "show", "--json", "--session", &id]).stdout.lines().count(), 12);
    });
}

#[test]
fn a_commands_line_is_whole_and_holds_no_value_of_a_variable() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let words = [OsStr::new("sh"), OsStr::new("-c"), OsStr::new("exit 3"), OsStr::from_bytes(b"a\xff\n")];
        site.run(words).args(["-e", "KEY=hush"]).output().expect_code(3);
        let lines = lines(&site);
        let (decision, outcome) = (&lines[0], &lines[1]);
        assert_eq!(decision["argv"], json!(["sh", "-c", "exit 3", { "bytes": "Yf8K" }]));
        assert_eq!((&decision["verb"], &decision["decision"]), (&json!("run"), &json!("allow")));
        assert!(decision["environment"].as_array().unwrap().contains(&json!("KEY")));
        assert_eq!(decision["profile"]["name"], "default");
        assert_eq!(decision["profile"]["sha256"].as_str().unwrap().len(), 64);
        assert_eq!(decision["project"], site.project().to_str().unwrap());
        assert_eq!((&outcome["cause"], &outcome["exitCode"]), (&json!("exit"), &json!(3)));
        assert_eq!(outcome["changes"]["added"], 0);
        assert!(!fs::read_to_string(site.state().join("audit.jsonl")).unwrap().contains("hush"));
        site.run(["no-such-program"]).output().expect_code(127);
        assert_eq!(acts(&site)[1], ("run".to_owned(), Some(false)));
    });
}

/// Two programs that no rule names, one of them twice.
const ENFORCED: &str = r#"
extends = "default"
[commands]
enforce = true
default = "deny"
rules = [
    { prefix = [["sh", "echo"]], decision = "allow", reason = "these alone" },
    { prefix = ["uname"], decision = "deny", reason = "nobody asks that" },
]
"#;

#[test]
fn what_the_kernel_did_not_execute_stands_with_the_outcome() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("rules.toml", ENFORCED);
        // What a script starts is judged by nobody beforehand.
        site.write("script.sh", "id -u; id -u; uname; echo done");
        let words = ["sh", "script.sh"];
        site.run(words).args(["-p", "./rules.toml"]).output().expect_code(0).expect_stdout("done");
        done(&site, &["create", "--name", "s", "-p", "./rules.toml"]);
        site.clearing(["exec", "s"]).command(words).output().expect_code(0).expect_stdout("done");
        let lines = lines(&site);
        let ended = lines.iter().filter(|line| !line["denials"].is_null());
        let told: Vec<&Value> = ended.map(|line| &line["denials"]).collect();
        assert_eq!(told.len(), 2, "of `run` and of `exec`");
        for denials in told {
            let unnamed = "no rule names it, and `enforce` is set";
            let id = json!({ "want": "/usr/bin/id", "by": "sh", "times": 2, "reason": unnamed });
            assert_eq!((denials.as_array().unwrap().len(), &denials[0]), (2, &id));
            assert_eq!((&denials[1]["want"], &denials[1]["times"]), (&json!("/usr/bin/uname"), &json!(1)));
            assert_eq!(denials[1]["reason"], "nobody asks that");
            assert!(denials[1]["rule"].as_str().unwrap().contains(r#"prefix = ["uname"]"#), "{denials}");
        }
        expect_whole(&site);
        done(&site, &["audit", "show"]).expect_stdout("exit 0");
    });
}

#[test]
fn a_patch_is_known_by_its_hash() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("a", "one\n");
        let patch = "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-one\n+two\n";
        done(&site, &["create", "--name", "s"]);
        for arguments in [&["patch", "check", "s", "-"][..], &["patch", "apply", "s", "-"]] {
            site.clearing(arguments).stdin(patch).output().expect_code(0);
        }
        site.clearing(["patch", "check", "-w", ".", "-"]).stdin(patch).output().expect_code(0);
        let mark = json!({ "sha256": HASH, "bytes": patch.len() });
        let lines = lines(&site);
        let patches: Vec<&Value> = lines.iter().filter(|line| line["verb"] == "patch").collect();
        assert_eq!(patches.len(), 3);
        assert!(patches.iter().all(|line| line["detail"]["patch"] == mark), "{patches:?}");
        expect_whole(&site);
    });
}

/// What `sha256sum` says of that patch.
const HASH: &str = "deb09fd0f342d8e36d728ce072834eab521005ca2ab139dfcc6cd0215bcc9d06";

#[test]
fn anybody_can_check_a_line_with_sha256sum() {
    let site = Site::new(Caller::Ordinary);
    done(&site, &["create"]);
    let script = "sed -n 1p audit.jsonl | sha256sum";
    let output = Command::new("sh").args(["-c", script]).current_dir(site.state()).output().unwrap();
    let sum = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines(&site)[1]["previous"], sum.split_whitespace().next().unwrap());
}

#[test]
fn a_session_that_goes_back_by_itself_is_recorded_as_such() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("back.toml", "extends = \"default\"\n[rollback]\non = [\"error\"]\n");
        done(&site, &["create", "--name", "s", "-p", "./back.toml"]);
        site.clearing(["exec", "s"]).command(["sh", "-c", "echo x > x; exit 1"]).output().expect_code(1);
        let rollback = lines(&site).into_iter().find(|line| line["verb"] == "rollback").unwrap();
        assert_eq!((&rollback["rule"], &rollback["detail"]["on"]), (&json!("rollback.on"), &json!("error")));
        let names = ["create", "exec", "rollback"].map(|verb| (verb.to_owned(), Some(true)));
        assert_eq!(acts(&site), names);
        assert_eq!(lines(&site).last().unwrap()["rolledBack"]["on"], "error");
        expect_whole(&site);
    });
}

#[test]
fn lines_that_were_tampered_with_are_named() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        ["a", "b", "c"].iter().for_each(|name| drop(done(&site, &["create", "--name", name])));
        let head = done(&site, &["audit", "verify"]).stdout;
        let head = head.split_whitespace().last().unwrap();
        done(&site, &["create", "--name", "d"]);
        done(&site, &["audit", "verify", "--expect", head]);
        let path = site.state().join("audit.jsonl");
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, whole.replace("\"name\":\"b\"", "\"name\":\"x\"")).unwrap();
        let output = site.clearing(["audit", "verify"]).output();
        output.expect_code(1).expect_stderr("audit.jsonl:3: it was changed");
        site.clearing(["audit", "verify", "--json"]).output().expect_stdout(r#""whole":false"#);
        fs::write(&path, whole.lines().take(4).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        expect_whole(&site);
        let cut = site.clearing(["audit", "verify", "--expect", head]).output();
        cut.expect_code(1).expect_stderr("audit.jsonl:4: no line up to here has the expected hash");
    });
}

#[test]
fn writers_beside_each_other_keep_one_chain() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let script = "for i in $(seq 20); do \"$0\" create >/dev/null || exit 1; done";
        let writers: Vec<_> = (0..8)
            .map(|_| {
                let mut shell = site.host("sh");
                shell.args(["-c", script]).arg(site.binary()).env("CLEARING_STATE_DIR", site.state());
                shell.spawn().unwrap()
            })
            .collect();
        writers.into_iter().for_each(|mut writer| assert!(writer.wait().unwrap().success()));
        assert_eq!(lines(&site).len(), 320);
        assert!(acts(&site).iter().all(|act| *act == ("create".to_owned(), Some(true))));
        expect_whole(&site);
    });
}

#[test]
fn a_killed_supervisor_leaves_a_decision_without_an_end() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let running = site.run(["sh", "-c", "echo ready; sleep 60"]).spawn();
        running.expect_printed("ready");
        assert_eq!(acts(&site), [("run".to_owned(), None)]);
        running.signal(Signal::SIGKILL);
        running.wait();
        site.clearing(["audit", "show"]).output().expect_code(0).expect_stdout("no end: killed");
        site.run(["true"]).output().expect_code(0);
        assert_eq!(acts(&site), [("run".to_owned(), None), ("run".to_owned(), Some(true))]);
        expect_whole(&site);
    });
}

/// Gives the state directory a disk of its own in a mount namespace, and fills that: the last page of the
/// record has room for a few lines more.
const FULL: &str = r#"
    mount -t tmpfs -o size=256k,mode=700 none "$CLEARING_STATE_DIR" || exit
    "$1" run -- true || exit
    head -c 300k /dev/zero > "$CLEARING_STATE_DIR/filler" 2>/dev/null
    for _ in $(seq 20); do "$1" run -- true >/dev/null 2>&1 || break; done
    "$@"
    code=$?
    "$1" audit verify
    echo "verified: $?"
    exit $code
"#;

#[test]
fn a_full_disk_stops_acts_and_not_the_record() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let namespaces = match caller {
            Caller::Root => &["unshare", "--mount"][..],
            Caller::Ordinary => &["unshare", "--user", "--map-current-user", "--keep-caps", "--mount"],
        };
        if !site.host(namespaces[0]).args(&namespaces[1..]).arg("true").status().unwrap().success() {
            skip("no mount namespace for a disk without room");
            return;
        }
        let wrapper = namespaces.iter().copied().chain(["sh", "-c", FULL, "sh"]);
        let refused = site.clearing(["run", "--json"]).command(["echo", "it ran"]).through(wrapper).output();
        refused.expect_code(125).expect_stderr("make room on its disk").expect_stdout("CLR-AUDIT");
        refused.expect_stdout("verified: 0");
        assert!(!refused.stdout.contains("it ran"), "{}", refused.stdout);
    });
}

/// Lets no file become longer.
const SHORT: &str = "trap '' XFSZ; room=$1; shift; exec prlimit --fsize=\"$room\" \"$@\"";

#[test]
fn a_commit_whose_end_has_no_room_in_the_record_is_its_sessions_own_all_the_same() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        if !site.host("prlimit").arg("true").status().is_ok_and(|status| status.success()) {
            skip("no prlimit(1)");
            return;
        }
        site.write("a", "1\n");
        done(&site, &["create", "--name", "s"]);
        site.clearing(["exec", "s"]).command(["sh", "-c", "echo 2 > a"]).output().expect_code(0);
        let size = fs::metadata(site.state().join("audit.jsonl")).unwrap().len();
        let landed = || fs::read_to_string(site.project().join("a")).unwrap() == "2\n";
        // The line before it fits, and the shorter one after it does not.
        let mut rooms = (size..size + 4000).step_by(60).map(|room| room.to_string());
        while !landed() {
            let room = rooms.next().expect("the commit lands");
            let refused = site.clearing(["commit", "s"]).through(["sh", "-c", SHORT, "sh", &room]).output();
            refused.expect_code(125).expect_stderr(if landed() { "it is done" } else { "nothing is done" });
        }
        site.clearing(["exec", "s"]).command(["sh", "-c", "echo 3 > a"]).output().expect_code(0);
        done(&site, &["commit", "s"]);
        assert_eq!(fs::read_to_string(site.project().join("a")).unwrap(), "3\n");
        expect_whole(&site);
    });
}
