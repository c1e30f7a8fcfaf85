//! What a session costs that does nothing.

use std::fs;

use crate::site::{Live, Site};

/// The most that init may take, in KiB of memory of its own and its share of what others use too: of this program
/// as it is built for tests, which is several times as large as the one that is handed out.
const MOST: u64 = 400;
/// And the most that nobody shares with it.
const MOST_ALONE: u64 = 100;

pub(crate) fn take_little_memory(site: &Site) {
    if !nix::unistd::geteuid().is_root() {
        // Nobody else may look into an init's memory.
        return;
    }
    let before = taken(std::process::id(), "Anonymous:");
    let mut all: Vec<Live> = (0..20).map(|_| site.live()).collect();
    for live in &mut all {
        live.sh("sleep 1000 >/dev/null 2>&1 & true");
    }
    let grown = taken(std::process::id(), "Anonymous:").saturating_sub(before) / 20;
    let inits = all.iter().map(|live| live.sandbox.init().expect("an init"));
    let taken: Vec<(u64, u64)> =
        inits.map(|init| (taken(init, "Pss:"), taken(init, "Private_Dirty:"))).collect();
    println!("20 inits, KiB of all and alone: {taken:?}; the supervisor grew by {grown} for each");
    assert!(taken.iter().all(|(all, alone)| *all <= MOST && *alone <= MOST_ALONE), "{taken:?}");
}

/// What a process has in memory of one kind.
fn taken(process: u32, kind: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).expect("root may look");
    let line = text.lines().find_map(|line| line.strip_prefix(kind)).expect("a sum");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
