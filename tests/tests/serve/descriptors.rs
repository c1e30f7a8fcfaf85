//! Descriptors of the server: what ends leaves none behind, and where there are few, one request more is refused.

use std::fs;

use clearing_tests::{Client, Site, assert_nothing_left, for_each_caller};
use nix::unistd::Pid;
use serde_json::{Value, json};

/// A server that may have so many descriptors open, and as many as `hard` if it raises its limit.
fn limited(site: &Site, soft: u32, hard: u32) -> Client {
    let limits = format!("--nofile={soft}:{hard}");
    site.clearing(["serve", "--stdio"]).through(["prlimit", &limits]).client()
}

fn open(process: Pid) -> usize {
    fs::read_dir(format!("/proc/{process}/fd")).unwrap().count()
}

/// The soft and the hard limit.
fn limits(process: Pid) -> [String; 2] {
    let text = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let mut words = line.split_whitespace().map(str::to_owned);
    [words.next().unwrap(), words.next().unwrap()]
}

#[test]
fn a_server_has_as_many_as_it_can_and_its_commands_as_many_as_before() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let text = "extends = \"default\"\nwiden = true\nreason = \"a proof\"\n[limits]\nnofile = \"none\"\n";
        let unlimited = site.write_home("unlimited.toml", text);
        let mut client = limited(&site, 300, 5000);
        assert_eq!(limits(client.pid()), ["5000", "5000"]);
        let bound = client.session(&site);
        let unbound = client.session_by(&site, &unlimited);
        for (session, told) in [(&bound, "1024 1024\n"), (&unbound, "300 5000\n")] {
            client.notes();
            // By init, and by the process that has the next one ready.
            for _ in 0..3 {
                client.exec(session, &["sh", "-c", "echo $(ulimit -Sn) $(ulimit -Hn)"]);
            }
            assert_eq!(client.said("stdout"), told.repeat(3));
        }
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn commands_that_have_ended_and_that_nobody_reads_have_none() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        let unread = json!({ "stream": false });
        let on_terminal = json!({ "stream": false, "terminal": { "rows": 24, "columns": 80 } });
        let much = ["head", "-c", "200000", "/dev/zero"];
        client.exec_with(&session, &much, unread.clone());
        client.exec_with(&session, &much, on_terminal.clone());
        let before = open(client.pid());
        for _ in 0..25 {
            client.exec_with(&session, &much, unread.clone());
            client.exec_with(&session, &much, on_terminal.clone());
        }
        let after = open(client.pid());
        assert!(after <= before + 4, "{after} descriptors, and {before} before");
        let read = client.call("exec/read", json!({ "session": session, "exec": "e3", "maxBytes": 300_000 }));
        let said =
            read["output"].as_array().unwrap().iter().map(|piece| piece["text"].as_str().unwrap().len());
        assert_eq!(said.sum::<usize>(), 200_000);
        let size = json!({ "session": session, "exec": "e4", "rows": 9, "columns": 44 });
        assert_eq!(client.refused("exec/resize", size).1, "CLR-EXEC-ENDED");
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

/// Asks for one more until that is refused, and tells how many there are, and the refusal.
fn until_refused(client: &mut Client, ask: &dyn Fn(&mut Client) -> i64) -> (usize, Value) {
    for number in 0..200 {
        let asked = ask(client);
        let answer = client.answer(&json!(asked));
        if answer.get("error").is_some() {
            return (number, answer["error"].clone());
        }
    }
    panic!("no end of it");
}

#[track_caller]
fn is_told(error: &Value) {
    assert_eq!(error["data"]["code"], "CLR-DESCRIPTORS", "{error}");
    assert!(error["data"]["hint"].as_str().unwrap().contains("session/destroy"), "{error}");
}

#[test]
fn without_descriptors_one_request_is_refused_and_all_else_goes_on() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = limited(&site, 160, 160);
        // No command may have more than the server.
        let few = site.write_home("few.toml", "extends = \"default\"\n[limits]\nnofile = 64\n");
        let like = json!({ "workspace": site.project(), "profile": few });
        let first = client.session_by(&site, &few);
        let last = client.session_by(&site, &few);
        assert_eq!(client.exec(&first, &["true"])["exitCode"], 0);
        let asked: Vec<i64> = (0..20).map(|_| client.ask("session/create", like.clone())).collect();
        let answers: Vec<Value> = asked.iter().map(|asked| client.answer(&json!(asked))).collect();
        answers.iter().filter_map(|answer| answer.get("error")).for_each(is_told);
        let at_once = answers.iter().filter(|answer| answer.get("result").is_some()).count();
        let (made, error) = until_refused(&mut client, &|client| client.ask("session/create", like.clone()));
        assert!(at_once > 0, "{answers:?}");
        is_told(&error);
        let (running, error) = until_refused(&mut client, &|client| {
            client.start(&first, &["sleep", "1000"], json!({ "yieldMs": 0 }))
        });
        is_told(&error);
        println!("{} sessions and {running} commands of 160 descriptors", at_once + made + 2);
        let told = client.call("session/get", json!({ "session": first }));
        assert_eq!(told["running"].as_array().unwrap().len(), running);
        // One that is there already works on, and what ends makes room.
        client.call("snapshot/create", json!({ "session": last }));
        client.call("session/destroy", json!({ "session": first }));
        let done = client.exec(&last, &["sh", "-c", "head -c 200000 /dev/zero; echo done > done"]);
        assert_eq!(done["exitCode"], 0, "{done}");
        client.session_by(&site, &few);
        assert_eq!(client.exec(&last, &["grep", "-q", "done", "done"])["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
