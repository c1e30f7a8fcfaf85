//! A client that does not read stops nobody: not its own commands, nor other sessions; and loses nothing that is kept.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use serde_json::json;

const GIGABYTE: u64 = 1_000_000_000;

#[test]
fn a_gigabyte_is_said_to_nobody_and_head_and_tail_are_there() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve_silent([] as [&str; 0]);
        client.ask("initialize", json!({}));
        client.read_line();
        client.ask("session/create", json!({ "workspace": site.project(), "name": "big" }));
        assert_eq!(client.read_line()["result"]["name"], "big");
        // From here on nobody reads: what tells of the end is a file.
        let script =
            "echo first; head -c 1000000000 /dev/zero | tr '\\0' x; echo last; echo done >&2; touch end";
        let id = client.start(
            "big",
            &["sh", "-c", script],
            json!({ "exec": "big", "limits": { "output": "none" } }),
        );
        while !site.clearing(["diff", "big", "--name-status"]).output().stdout.contains("end") {}
        client.listen();
        let result = client.result(id);
        assert_eq!(result["exitCode"], 0, "{result}");
        let (mut kept, mut dropped, mut texts) = (0, 0, Vec::new());
        for note in client.notes().iter().filter(|note| note["method"] == "exec/output") {
            let params = &note["params"];
            dropped += params["dropped"]["stdout"].as_u64().unwrap_or(0);
            if params["stream"] == "stdout" {
                let text = params["text"].as_str().unwrap();
                kept += text.len() as u64;
                texts.push(text.trim_matches('x').to_owned());
            }
        }
        assert_eq!(kept + dropped, GIGABYTE + 11, "{kept} and {dropped}");
        assert!(dropped > 0 && kept > 60 << 20, "{kept}");
        assert!(texts[0].starts_with("first\n") && texts.last().unwrap().ends_with("last\n"));
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn streams_that_others_have_set_not_to_wait_are_waited_for() {
    /// As programs do that share a terminal or a pipe with others.
    const NOT_TO_WAIT: &str =
        "fcntl($_, F_SETFL, fcntl($_, F_GETFL, 0) | O_NONBLOCK) or die for *STDIN, *STDOUT; exec @ARGV";
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let serve = site.clearing(["serve", "--stdio"]).through(["perl", "-MFcntl", "-e", NOT_TO_WAIT]);
        let mut client = serve.client();
        let session = client.session(&site);
        let said = client.exec(&session, &["sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' x"]);
        assert_eq!(said["exitCode"], 0);
        let notes = client.notes();
        let output = notes.iter().filter(|note| note["method"] == "exec/output");
        let read: usize = output.map(|note| note["params"]["text"].as_str().unwrap().len()).sum();
        assert_eq!(read, 20_000_000);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_profile_says_how_much_is_kept_for_who_comes_later() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let kept = "extends = \"default\"\n[output]\nhead = \"1M\"\ntail = \"2M\"\n";
        let profile = site.write_home("mine.toml", kept);
        let made = json!({ "workspace": site.project(), "profile": profile, "name": "s" });
        client.call("session/create", made);
        // One command's own profile keeps no more.
        let more = [json!({ "exec": "x" }), json!({ "exec": "y", "profile": "default" })];
        for mut more in more {
            let exec = more["exec"].clone();
            more["stream"] = false.into();
            let said = 10_000_000;
            let script = ["sh", "-c", "head -c 10000000 /dev/zero | tr '\\0' x"];
            let ended = client.exec_with("s", &script, more);
            assert_eq!(ended["exitCode"], 0);
            let (mut after, mut read, mut dropped) = (json!(0), 0, 0);
            loop {
                let pieces =
                    client.call("exec/read", json!({ "session": "s", "exec": exec, "afterSeq": after }));
                let output = pieces["output"].as_array().unwrap().iter();
                read += output.map(|piece| piece["text"].as_str().unwrap().len() as u64).sum::<u64>();
                dropped += pieces["dropped"]["stdout"].as_u64().unwrap();
                after = pieces["nextSeq"].clone();
                if pieces["end"] == true {
                    break;
                }
            }
            assert_eq!(read + dropped, said);
            assert!(read.abs_diff(3 << 20) < 300_000, "{read} bytes are kept");
        }
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn who_reads_in_steps_while_much_is_said_gets_each_byte_or_hears_once_that_it_is_gone() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let kept =
            "extends = \"default\"\n[output]\nhead = \"1M\"\ntail = \"1M\"\n[limits]\noutput = \"none\"\n";
        let profile = site.write_home("mine.toml", kept);
        let made = json!({ "workspace": site.project(), "profile": profile, "name": "s" });
        client.call("session/create", made);
        let script =
            "for i in 1 2 3 4; do head -c 50000000 /dev/zero | tr '\\0' x; sleep 0.1; done; echo end >&2";
        client.start("s", &["sh", "-c", script], json!({ "exec": "x", "stream": false }));
        let (mut after, mut read, mut dropped, mut steps) = (json!(0), [0; 2], [0; 2], 0);
        loop {
            let asked = json!({ "session": "s", "exec": "x", "afterSeq": after, "waitMs": 10_000, "maxBytes": 100_000 });
            let pieces = client.call("exec/read", asked);
            for piece in pieces["output"].as_array().unwrap() {
                read[usize::from(piece["stream"] == "stderr")] +=
                    piece["text"].as_str().unwrap().len() as u64;
            }
            for (at, stream) in ["stdout", "stderr"].into_iter().enumerate() {
                dropped[at] += pieces["dropped"][stream].as_u64().unwrap();
            }
            (after, steps) = (pieces["nextSeq"].clone(), steps + 1);
            if pieces["end"] == true {
                break;
            }
        }
        assert_eq!(
            [read[0] + dropped[0], read[1] + dropped[1]],
            [200_000_000, 4],
            "{read:?} and {dropped:?}"
        );
        assert!(dropped[0] > 0 && steps > 4, "{dropped:?} in {steps} steps");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn who_asks_for_more_than_it_reads_fills_no_memory() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve_silent([] as [&str; 0]);
        client.ask("initialize", json!({}));
        client.read_line();
        client.ask("session/create", json!({ "workspace": site.project(), "name": "much" }));
        assert_eq!(client.read_line()["result"]["name"], "much");
        let script = ["sh", "-c", "head -c 30000000 /dev/zero | tr '\\0' x"];
        client.start(
            "much",
            &script,
            json!({ "exec": "x", "stream": false, "limits": { "output": "none" } }),
        );
        assert_eq!(client.read_line()["result"]["exitCode"], 0);
        for _ in 0..200 {
            client.ask("exec/read", json!({ "session": "much", "exec": "x", "maxBytes": 8 << 20 }));
        }
        for _ in 0..20 {
            site.clearing(["ls"]).output().expect_code(0);
            let peak = crate::bad_input::resident(&client);
            assert!(peak < 200_000, "{peak} kB");
        }
        client.close_output();
        client.finish();
        assert_nothing_left(&site);
    });
}
