//! What the kernel refuses to execute is told, with the line that would allow it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{PROFILE, script, site};

/// The outcome's denials by what was wanted.
fn wanted(outcome: &Value) -> Vec<&str> {
    let denials = outcome["denials"].as_array().map(Vec::as_slice).unwrap_or_default();
    denials.iter().map(|denial| denial["want"].as_str().unwrap()).collect()
}

fn write_program(site: &Site, name: &str) {
    site.write(name, "#!/bin/sh\necho ran\n");
    fs::set_permissions(site.project().join(name), Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn what_a_script_may_not_start_is_told_with_the_line_that_allows_it() {
    for_each_caller(|caller| {
        let site = site(caller);
        let text = "id -u; id -u; nosuchprogram; ./notes; echo went on";
        site.write("notes", "no program\n");
        let held = script(&site, "./rules.toml", text).arg("--json").output();
        held.expect_code(0)
            .expect_stdout("went on")
            .expect_stderr("clearing: `/usr/bin/id` was not executed");
        let denials = &held.outcome()["denials"];
        let line = denials[0]["line"].as_str().unwrap();
        let denial = json!({
            "code": "CLR-POLICY-CMD", "want": "/usr/bin/id", "by": "sh", "times": 2, "decision": "deny",
            "reason": "no rule names it, and `enforce` is set", "line": line,
            "hint": format!("in [commands] of a profile of yours this would allow it: {line}"),
        });
        assert_eq!(*denials, json!([denial]));
        let events = held.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let events: Vec<Value> = events.filter(|event| event["type"] == "denial").collect();
        assert_eq!(events.len(), 1);
        assert_eq!((&events[0]["want"], &events[0]["times"]), (&json!("/usr/bin/id"), &json!(1)));

        let rule = line.strip_prefix("rules = [\"...\", ").and_then(|rest| rest.strip_suffix("]")).unwrap();
        let wider = PROFILE.replace("ENFORCE", "true").replace("rules = [", &format!("rules = [ {rule},"));
        site.write("wider.toml", wider);
        let allowed = script(&site, "./wider.toml", "id -u && echo done").output();
        allowed.expect_code(0).expect_stdout("done");
        assert_eq!(allowed.outcome().get("denials"), None);
    });
}

#[test]
fn a_rule_that_denies_and_who_asked_are_named() {
    for_each_caller(|caller| {
        let site = site(caller);
        let denied = r#"rules = [ { prefix = ["id"], decision = "deny", reason = "nobody asks that" },"#;
        site.write("denied.toml", PROFILE.replace("ENFORCE", "true").replace("rules = [", denied));
        write_program(&site, "own");
        let text = "python3 -c '
import os
for f in (\"/usr/bin/id\", \"own\"):
    try: os.execv(f, [f])
    except OSError: pass
try: os.execve(os.open(\"own\", os.O_PATH), [\"own\"], {})
except OSError: print(\"done\")'";
        let held = script(&site, "./denied.toml", text).output();
        held.expect_code(0).expect_stdout("done");
        let outcome = held.outcome();
        let own = site.project().join("own");
        assert_eq!(wanted(outcome), ["/usr/bin/id", "own"]);
        let (by_rule, by_none) = (&outcome["denials"][0], &outcome["denials"][1]);
        assert_eq!(by_rule["by"], "python3");
        assert_eq!((&by_rule["reason"], by_rule.get("line")), (&json!("nobody asks that"), None));
        assert!(by_rule["rule"].as_str().unwrap().contains(r#"prefix = ["id"]"#), "{by_rule}");
        assert!(by_none["line"].as_str().unwrap().contains(own.to_str().unwrap()), "{by_none}");
        let made = script(&site, "./rules.toml", "cp /bin/echo made && ./made; echo done").output();
        made.expect_code(0).expect_stdout("done");
        let denial = &made.outcome()["denials"][0];
        assert_eq!((&denial["want"], denial.get("line")), (&json!("./made"), None));
        assert_eq!(denial["reason"], "the command made it, and `enforce` is set");
    });
}

#[test]
fn who_is_refused_without_end_is_told_to_a_bound() {
    for_each_caller(|caller| {
        let site = site(caller);
        (1..=60).for_each(|number| write_program(&site, &format!("p{number}")));
        let text = "i=0; while [ $i -lt 60 ]; do i=$((i+1)); ./p$i; done
            i=0; while [ $i -lt 199 ]; do i=$((i+1)); ./p1; done; echo done";
        let held = script(&site, "./rules.toml", text).output();
        held.expect_code(0)
            .expect_stdout("done")
            .expect_stderr("other programs were not executed either, 10");
        let outcome = held.outcome();
        assert_eq!((wanted(outcome).len(), &outcome["moreDenials"]), (50, &json!(10)));
        assert_eq!((wanted(outcome)[0], &outcome["denials"][0]["times"]), ("./p1", &json!(200)));
    });
}

#[test]
fn threads_and_processes_that_start_programs_all_come_to_their_end() {
    for_each_caller(|caller| {
        let site = site(caller);
        let text = "python3 -c '
import subprocess, threading
ran = []
def start():
    for _ in range(8):
        ran.append(subprocess.run([\"echo\"], stdout=subprocess.DEVNULL).returncode)
        try: subprocess.run([\"id\"])
        except PermissionError: ran.append(0)
threads = [threading.Thread(target=start) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(ran), sum(ran))'";
        let held = script(&site, "./rules.toml", text).output();
        held.expect_code(0).expect_stdout("96 0");
        // Threads may have names of their own, and each is told.
        let wanted = wanted(held.outcome());
        assert!(!wanted.is_empty() && wanted.iter().all(|want| *want == "/usr/bin/id"), "{wanted:?}");
    });
}

#[test]
fn nothing_of_the_look_is_within_the_command_s_reach() {
    for_each_caller(|caller| {
        let site = site(caller);
        let text = "python3 -c '
import glob, os
names = []
for path in glob.glob(\"/proc/[0-9]*/fd/*\"):
    try: names.append(os.readlink(path))
    except OSError: pass
print(len(names) > 2, [name for name in names if \"seccomp\" in name])'";
        script(&site, "./rules.toml", text).output().expect_code(0).expect_stdout("True []");
    });
}

#[test]
fn when_the_supervisor_is_killed_nobody_goes_on_asking() {
    for_each_caller(|caller| {
        let site = site(caller);
        let dead = script(&site, "./rules.toml", "echo up; while :; do id 2>/dev/null; done").spawn();
        dead.expect_printed("up");
        dead.signal(Signal::SIGKILL);
        drop(dead.wait());
        // The next of all commands clears away what the dead one had on disk.
        script(&site, "./rules.toml", "echo done").output().expect_code(0).expect_stdout("done");
        assert_nothing_left(&site);
    });
}
