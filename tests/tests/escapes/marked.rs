//! Processes of the host that show a text of a proof's own in their command line.

use std::fs;
use std::time::{Duration, Instant};

use clearing_tests::{DEADLINE, own_processor_time, patience};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Every process but this one whose command line shows `mark`; those that are ended and not yet
/// collected show none.
pub(crate) fn processes(mark: &str) -> Vec<i32> {
    showing(mark).into_iter().map(|(pid, _)| pid).collect()
}

/// Those of them that are no process of `clearing` itself, which may clear away behind a run.
pub(crate) fn commands(mark: &str) -> Vec<i32> {
    let is_ours = |line: &str| line.split('\0').next().is_some_and(|program| program.ends_with("/clearing"));
    showing(mark).into_iter().filter(|(_, line)| !is_ours(line)).map(|(pid, _)| pid).collect()
}

/// With their command lines, read once: they may end meanwhile.
fn showing(mark: &str) -> Vec<(i32, String)> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let lines = numbers.map(|pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        (pid, String::from_utf8_lossy(&line).into_owned())
    });
    lines.filter(|(_, line)| line.contains(mark)).collect()
}

/// Waits until none is left.
///
/// # Panics
///
/// If one is there after that time, as [`patience`] has it, and after half a second more of looking, not
/// counting the time in which others had the processor.
#[track_caller]
pub(crate) fn expect_gone(mark: &str, within: Duration) {
    let end = Instant::now() + patience(within);
    while !processes(mark).is_empty() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
    }
    let looked = own_processor_time();
    while !processes(mark).is_empty() {
        let enough = own_processor_time() - looked > Duration::from_millis(500);
        assert!(!enough, "still there: {:?}", processes(mark));
    }
}

/// Waits until so many commands are there.
///
/// # Panics
///
/// If they are not after [`DEADLINE`].
#[track_caller]
pub(crate) fn expect_there(mark: &str, at_least: usize) {
    let end = Instant::now() + patience(DEADLINE);
    while commands(mark).len() < at_least {
        assert!(Instant::now() < end, "it never started");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Kills what a control left on the bare host; the mark is this proof's alone.
pub(crate) fn end(mark: &str) {
    for _ in 0..50 {
        let left = processes(mark);
        if left.is_empty() {
            return;
        }
        for pid in left {
            // A link of a chain may be gone by itself.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
