//! Descriptors of the server: what ends leaves none behind.

use std::fs;

use clearing_tests::{Site, assert_nothing_left, for_each_caller};
use nix::unistd::Pid;
use serde_json::json;

fn open(process: Pid) -> usize {
    fs::read_dir(format!("/proc/{process}/fd")).unwrap().count()
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
