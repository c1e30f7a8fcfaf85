//! Limits that hold, and figures that are true.

use std::time::Duration;

use clearing_runtime::ExitStatus;
use clearing_runtime::cgroup::{Groups, Kind, Limits, Version};

use crate::sandboxed::{Ended, run};

const MIB: u64 = 1 << 20;
const MEMORY: Limits = Limits { memory: Some(64 * MIB), processes: None, cpu: None };
const PROCESSES: Limits = Limits { memory: None, processes: Some(32), cpu: None };

pub(crate) fn private_memory(groups: &Groups) {
    runs_out_of_memory(&run(groups, MEMORY, &["hog", "256"]));
    let enough = run(groups, MEMORY, &["hog", "16"]);
    assert!(enough.printed.starts_with("held") && enough.events.oom_kills == 0 && !enough.rang, "{enough:?}");
}

pub(crate) fn memory_of_many(groups: &Groups) {
    runs_out_of_memory(&run(groups, MEMORY, &["many", "10", "16"]));
}

pub(crate) fn memory_files(groups: &Groups) {
    runs_out_of_memory(&run(groups, MEMORY, &["memfd", "256"]));
}

pub(crate) fn tmpfs_files(groups: &Groups) {
    runs_out_of_memory(&run(groups, MEMORY, &["tmpfs", "256"]));
}

fn runs_out_of_memory(ended: &Ended) {
    let Ended { status, printed, wall, sample, events, rang } = ended;
    assert!(printed.is_empty() && !matches!(status, Some(ExitStatus::Code(_))), "it went on: {ended:?}");
    assert!(events.oom > 0 && events.oom_kills > 0 && *rang, "{ended:?}");
    assert!(sample.memory_peak.is_none_or(|peak| (48 * MIB..=64 * MIB).contains(&peak)), "{ended:?}");
    assert!(*wall < slow(Duration::from_secs(2)) || is_busy(), "{ended:?}");
}

pub(crate) fn processes(groups: &Groups) {
    let ended = run(groups, PROCESSES, &["bomb", "100"]);
    assert_eq!(ended.printed, "31 children\n", "{ended:?}");
    assert!(ended.events.forks_refused > 0 && (ended.rang || groups.version() == Version::V1), "{ended:?}");
    assert!(ended.sample.processes_peak.is_none_or(|peak| peak == 32), "{ended:?}");
}

pub(crate) fn threads(groups: &Groups) {
    let ended = run(groups, PROCESSES, &["threads", "100"]);
    assert_eq!(ended.printed, "31 threads\n", "{ended:?}");
}

pub(crate) fn processor(groups: &Groups) {
    let half = Limits { cpu: Some(500), ..Limits::default() };
    let ended = run(groups, half, &["burn", "2500"]);
    let elapsed =
        ended.printed.split(' ').next().and_then(|word| word.parse::<f64>().ok()).expect("milliseconds");
    let share = 2500.0 / elapsed;
    assert!(share <= 0.55, "{share}: {ended:?}");
    // Others may be before it on a host that is busy.
    assert!(share >= 0.45 && ended.events.cpu_throttled > 10 || is_busy(), "{share}: {ended:?}");
}

pub(crate) fn usage(groups: &Groups) {
    let ended = run(groups, Limits { memory: Some(512 * MIB), ..PROCESSES }, &["burn", "1000", "200"]);
    let Ended { sample, .. } = &ended;
    let total = sample.cpu.expect("processor time").total;
    let told = ended.printed.split(' ').nth(3).and_then(|word| word.parse().ok()).expect("milliseconds");
    // Init's work and the program's own start are not in what the program counts.
    let beyond = total.checked_sub(Duration::from_millis(told)).expect("no less");
    assert!(beyond < slow(Duration::from_millis(100)) + total / 20, "{beyond:?} {ended:?}");
    let peak = sample.memory_peak.expect("a peak") / MIB;
    assert!((200..=210).contains(&peak), "{ended:?}");
    assert_eq!(sample.processes, Some(0), "{ended:?}");
    assert_eq!(ended.events.oom_kills, 0);
}

/// Zero processors cannot be had, and where there is no controller there is no limit.
pub(crate) fn not_taken_is_not_enforced(groups: &Groups) {
    let mut group = groups.create().expect("a group");
    let all = Limits { memory: Some(64 * MIB), processes: Some(32), cpu: Some(0) };
    let null = std::fs::File::options().write(true).open("/dev/null").expect("null");
    drop(crate::sandboxed::start(&mut group, all, &["group"], &null));
    let held = groups.controllers();
    let expected = Kind::ALL.map(|kind| (kind, kind != Kind::Cpu && held.contains(&kind)));
    let taken: Vec<_> = group.enforced().iter().map(|limit| (limit.kind, limit.taken.is_ok())).collect();
    assert_eq!(taken, expected, "{:?}", group.enforced());
    assert_eq!(group.version() == Version::V2, group.birthplace().is_some());
}

/// Whether processes had to wait for a processor in a tenth of the last ten seconds.
fn is_busy() -> bool {
    let text = std::fs::read_to_string("/proc/pressure/cpu").unwrap_or_default();
    let share = text.split(' ').find_map(|word| word.strip_prefix("avg10=")?.parse::<f32>().ok());
    share.is_none_or(|share| share > 10.0)
}

/// Emulated machines are slower.
pub(crate) fn slow(time: Duration) -> Duration {
    let factor = std::env::var("CLEARING_TEST_SLOW").ok().and_then(|factor| factor.parse().ok());
    time * factor.unwrap_or(1)
}
