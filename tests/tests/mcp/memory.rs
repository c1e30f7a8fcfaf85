//! What a server that has nothing to do has in memory.

use clearing_tests::{Client, Site, assert_nothing_left, for_each_caller, patience};
use serde_json::json;

use crate::Mcp;

/// KiB of a server that has no session, or whose session is idle.
const SERVER: u64 = 12 * 1024;

#[test]
fn an_idle_server_takes_little_memory() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut mcp = Mcp::begin(&site, &["--discard"]);
        let alone = now(&mcp.client);
        assert!(alone <= SERVER, "the server has {alone} KiB in memory");
        mcp.ask("tools/list", json!({}));
        mcp.shell("seq 100000");
        // It rests when it has done nothing for a second.
        let end = std::time::Instant::now() + patience(std::time::Duration::from_secs(10));
        while now(&mcp.client) > SERVER {
            assert!(std::time::Instant::now() < end, "the server has {} KiB in memory", now(&mcp.client));
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        println!("alone: {alone} KiB; with an idle session: {} KiB", now(&mcp.client));
        assert_eq!(mcp.finish(), 0);
        assert_nothing_left(&site);
    });
}

/// KiB that it has in memory.
fn now(client: &Client) -> u64 {
    of(client, "VmRSS:")
}

/// KiB that it had in memory at its most.
pub(crate) fn most(client: &Client) -> u64 {
    of(client, "VmHWM:")
}

fn of(client: &Client, kind: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", client.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(kind)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
