//! Commands: run to their end, left running, heard, written to, ended.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use serde_json::{Value, json};

use crate::Mcp;
use crate::driver::text;

#[test]
fn a_command_is_told_as_data_and_as_text_and_a_failure_of_its_own_is_no_error() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &["--discard"]);
        let answer = mcp.answer("run", json!({ "shell": "echo out; echo err >&2; echo x > new; exit 3" }));
        assert_eq!(answer["isError"], false);
        let ran = &answer["structuredContent"];
        assert_eq!(
            (&ran["exitCode"], &ran["cause"], &ran["state"]),
            (&json!(3), &json!("exit"), &json!("exited"))
        );
        assert_eq!((&ran["stdout"], &ran["stderr"]), (&json!("out\n"), &json!("err\n")));
        assert_eq!(ran["changes"], json!({ "added": 1, "modified": 0, "deleted": 0 }));
        let read = "exit code 3\nchanged in the session so far: 1 added, 0 modified, 0 deleted\n--\nstdout:\nout\n--\n\
                    stderr:\nerr";
        assert_eq!(text(&answer), read);
        assert_eq!(mcp.call("run", json!({ "argv": ["printf", "%s", "a b"] }))["stdout"], "a b");
        let python = mcp.call(
            "run",
            json!({ "lang": "python", "code": "import sys; print(sys.argv[1:])", "argv": ["x"] }),
        );
        assert_eq!(python["stdout"], "['x']\n");
        let there = mcp.call("run", json!({ "shell": "echo $A; pwd", "env": { "A": "b" }, "cwd": "/tmp" }));
        assert_eq!(there["stdout"], "b\n/tmp\n");
        assert!(!site.project().join("new").exists());
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_command_that_takes_long_is_left_running_and_heard_later() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &["--discard"]);
        let script = "echo one; until test -e go; do sleep 0.05; done; echo two; exit 4";
        let ran = mcp.call("run", json!({ "shell": script, "yieldMs": 500 }));
        assert_eq!(ran["state"], "running", "{ran}");
        let exec = ran["exec"].clone();
        // It may have begun only just.
        if ran["stdout"] == "" {
            let late = mcp.call("exec_poll", json!({ "exec": exec, "waitMs": 20_000 }));
            assert_eq!(late["stdout"], "one\n");
        } else {
            assert_eq!(ran["stdout"], "one\n");
        }
        mcp.call("write_file", json!({ "path": "go", "text": "" }));
        let rest = mcp.call("exec_poll", json!({ "exec": exec, "waitMs": 20_000 }));
        assert_eq!(rest["stdout"], "two\n");
        let end = mcp.call("exec_poll", json!({ "exec": exec, "waitMs": 20_000 }));
        assert_eq!(
            (&end["state"], &end["exitCode"], &end["stdout"]),
            (&json!("exited"), &json!(4), &json!(""))
        );
        let all = mcp.call("exec_poll", json!({ "exec": exec, "afterSeq": 0 }));
        assert_eq!(all["stdout"], "one\ntwo\n");
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_command_in_the_background_is_written_to_and_ended() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &["--discard"]);
        let script = "read a; echo got $a; exec cat";
        let exec = mcp.call("exec_start", json!({ "shell": script, "input": true }))["exec"].clone();
        assert_eq!(mcp.call("exec_input", json!({ "exec": exec, "text": "this\n" }))["written"], 5);
        let heard = |mcp: &mut Mcp| mcp.call("exec_poll", json!({ "exec": exec, "waitMs": 20_000 }));
        assert_eq!(heard(&mut mcp)["stdout"], "got this\n");
        for (bytes, written) in [("bQ==", 1), ("bw==", 1), ("cmU=", 2)] {
            let sent = mcp.call("exec_input", json!({ "exec": exec, "bytes": bytes }));
            assert_eq!(sent["written"], written, "{sent}");
        }
        mcp.call("exec_input", json!({ "exec": exec, "text": "\n", "close": true }));
        let mut end = heard(&mut mcp);
        let mut said = end["stdout"].as_str().unwrap().to_owned();
        while end["state"] == "running" {
            end = heard(&mut mcp);
            said += end["stdout"].as_str().unwrap();
        }
        assert_eq!((said.as_str(), &end["exitCode"]), ("more\n", &json!(0)));
        let other = mcp.call("exec_start", json!({ "argv": ["sleep", "1000"] }))["exec"].clone();
        mcp.call("exec_input", json!({ "exec": other, "signal": "KILL" }));
        let end = mcp.call("exec_poll", json!({ "exec": other, "waitMs": 20_000 }));
        assert_eq!((&end["cause"], &end["signal"]), (&json!("signal"), &json!(9)));
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn of_long_output_beginning_and_end_are_told_and_no_terminal_or_model_obeys_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &["--discard"]);
        let long = mcp.call("run", json!({ "shell": "seq 1000000", "maxBytes": 4096 }));
        let said = long["stdout"].as_str().unwrap();
        assert!(said.starts_with("1\n2\n") && said.ends_with("\n1000000\n") && said.len() < 5000, "{said}");
        let omitted = long["omitted"]["stdout"].as_u64().unwrap();
        assert_eq!(omitted + 4096, 6_888_896);
        assert!(said.contains(&format!("[… {omitted} bytes left out …]")), "{said}");
        let odd = mcp.shell(r"printf 'a\377b\033[31mred\033[0m\007\nexit code 0\n'");
        assert_eq!(odd["stdout"], "a\\xffbred\\u{7}\nexit code 0\n");
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn of_what_is_said_faster_than_it_is_heard_each_byte_is_told_or_counted_once() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let kept =
            "extends = \"default\"\n[output]\nhead = \"1M\"\ntail = \"1M\"\n[limits]\noutput = \"none\"\n";
        let profile = site.write_home("little.toml", kept);
        let mut mcp = Mcp::begin(&site, &["--discard", "-p", profile.to_str().unwrap()]);
        let script = "for i in 1 2 3 4 5 6 7 8; do head -c 25000000 /dev/zero | tr '\\0' Z; sleep 0.1; done";
        let count = |told: &Value| {
            let heard = told["stdout"].as_str().unwrap().matches('Z').count() as u64;
            (heard, told["omitted"]["stdout"].as_u64().unwrap_or(0))
        };
        let started = mcp.call("exec_start", json!({ "shell": script }));
        // It may have said something by then.
        let (exec, (mut heard, mut omitted)) = (started["exec"].clone(), count(&started));
        let (mut calls, mut last) = (0, started["nextSeq"].clone());
        loop {
            // From where the last answer ended, as it is kept in mind or as it was told.
            let after = if calls % 2 == 0 { Value::Null } else { last };
            let mut asked = json!({ "exec": exec, "waitMs": 20_000, "maxBytes": 4096 });
            asked.as_object_mut().unwrap().extend((!after.is_null()).then(|| ("afterSeq".into(), after)));
            let told = mcp.call("exec_poll", asked);
            let (more, left_out) = count(&told);
            (heard, omitted) = (heard + more, omitted + left_out);
            (calls, last) = (calls + 1, told["nextSeq"].clone());
            if told["state"] == "exited" {
                break;
            }
        }
        assert_eq!(heard + omitted, 200_000_000, "{heard} heard, {omitted} omitted, in {calls} calls");
        assert!(calls > 4, "{calls}");
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_command_that_never_stops_speaking_holds_up_no_answer() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let profile = site.write_home("much.toml", "extends = \"default\"\n[limits]\noutput = \"none\"\n");
        let mut mcp = Mcp::begin(&site, &["--discard", "-p", profile.to_str().unwrap()]);
        let exec = mcp.call("exec_start", json!({ "argv": ["yes"] }))["exec"].clone();
        let begun = std::time::Instant::now();
        let (mut said, calls) = (0, 20);
        for _ in 0..calls {
            let told = mcp.call("exec_poll", json!({ "exec": exec, "waitMs": 1000 }));
            said += told["omitted"]["stdout"].as_u64().unwrap_or(0);
        }
        // No pipe takes a tenth of that in a second.
        let most = 100_000_000_000 * (begun.elapsed().as_secs() + 1);
        assert!(said < most, "{said} in {:?}", begun.elapsed());
        assert!(begun.elapsed().as_secs() < calls, "{:?}", begun.elapsed());
        mcp.call("exec_input", json!({ "exec": exec, "signal": "KILL" }));
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn many_calls_at_once_are_answered_each_by_its_own() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &["--discard"]);
        let ids: Vec<i64> =
            (0..60).map(|n| mcp.start("run", json!({ "shell": format!("echo {n}") }))).collect();
        for (n, id) in ids.into_iter().enumerate().rev() {
            let answer: Value = mcp.client.result(id);
            assert_eq!(answer["structuredContent"]["stdout"], format!("{n}\n"), "{answer}");
        }
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn no_call_makes_the_deadline_of_the_profile_later() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let profile = site.write_home("short.toml", "extends = \"default\"\n[limits]\ntimeout = \"1s\"\n");
        let mut mcp = Mcp::begin(&site, &["--discard", "-p", profile.to_str().unwrap()]);
        let ran = mcp.call("run", json!({ "argv": ["sleep", "1000"], "timeoutMs": 500_000 }));
        assert_eq!((&ran["cause"], &ran["exceeded"]["allowed"]), (&json!("timeout"), &json!(1000)));
        let ran = mcp.call("run", json!({ "argv": ["sleep", "1000"], "timeoutMs": 200 }));
        assert_eq!(ran["exceeded"]["allowed"], 200);
        assert!(
            mcp.refused("run", json!({ "argv": ["true"], "limits": { "memory": "none" } }))
                .contains("`limits`")
        );
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}
