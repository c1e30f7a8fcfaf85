//! What a group used, and what happened to it at its limits.

use std::os::fd::OwnedFd;
use std::time::Duration;

use super::files::{number, read, value_of};
use super::group::Node;
use super::{Kind, Version};

/// What a group uses, and has used so far. None is what the kernel does not count here.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sample {
    /// Bytes charged now.
    pub memory: Option<u64>,
    /// The most bytes that were ever charged.
    pub memory_peak: Option<u64>,
    /// Processor time.
    pub cpu: Option<Cpu>,
    /// Processes and threads now, init not counted.
    pub processes: Option<u64>,
    /// The most that there ever were.
    pub processes_peak: Option<u64>,
    /// Bytes read from block devices.
    pub read_bytes: Option<u64>,
    /// Bytes written to block devices.
    pub written_bytes: Option<u64>,
    /// Waiting for a processor.
    pub cpu_pressure: Option<Pressure>,
    /// Waiting for memory.
    pub memory_pressure: Option<Pressure>,
    /// Waiting for block devices.
    pub io_pressure: Option<Pressure>,
}

/// Processor time of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cpu {
    /// All of it.
    pub total: Duration,
    /// In user mode.
    pub user: Duration,
    /// In the kernel.
    pub system: Duration,
}

/// For how long some process of a group had to wait for a resource.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pressure {
    /// The share of the last ten seconds, in percent.
    pub avg10: f32,
    /// In all.
    pub total: Duration,
}

/// How often a group came to its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Events {
    /// Memory was at its limit and nothing could be taken back.
    pub oom: u64,
    /// Processes killed for it.
    pub oom_kills: u64,
    /// Times the whole group was.
    pub oom_group_kills: u64,
    /// Forks refused.
    pub forks_refused: u64,
    /// Periods in which the group had used up its share of the processor.
    pub cpu_throttled: u64,
}

/// Reads what the groups of one sandbox used, init being one of the processes.
pub(super) fn sample(version: Version, nodes: &[Node]) -> Sample {
    let pids = |name| number(&of(nodes, Kind::Processes)?.directory, name);
    let memory = |name| number(&of(nodes, Kind::Memory)?.directory, name);
    let shared =
        Sample { processes: pids("pids.current"), processes_peak: pids("pids.peak"), ..Sample::default() };
    match version {
        Version::V1 => Sample {
            memory: memory("memory.usage_in_bytes"),
            memory_peak: memory("memory.max_usage_in_bytes"),
            cpu: legacy_cpu(nodes),
            ..with_io(shared, legacy_io(nodes))
        },
        Version::V2 => {
            let pressure = |name| parse_pressure(&read(&nodes.first()?.directory, name).ok()?);
            let node = nodes.first();
            Sample {
                memory: memory("memory.current"),
                memory_peak: memory("memory.peak"),
                cpu: node.and_then(|node| parse_cpu(&read(&node.directory, "cpu.stat").ok()?)),
                cpu_pressure: pressure("cpu.pressure"),
                memory_pressure: pressure("memory.pressure"),
                io_pressure: pressure("io.pressure"),
                ..with_io(
                    shared,
                    node.and_then(|node| Some(parse_io(&read(&node.directory, "io.stat").ok()?))),
                )
            }
        }
    }
}

/// Reads what happened in the groups of one sandbox.
pub(super) fn events(version: Version, nodes: &[Node]) -> Events {
    let text = |kind, name| read(&of(nodes, kind)?.directory, name).ok();
    let memory = match version {
        Version::V2 => text(Kind::Memory, "memory.events"),
        Version::V1 => text(Kind::Memory, "memory.oom_control"),
    };
    let count =
        |text: &Option<String>, key| text.as_deref().and_then(|text| value_of(text, key)).unwrap_or(0);
    let oom_kills = count(&memory, "oom_kill");
    Events {
        // Version 1 counts attempts that could be helped as well, and those do not matter.
        oom: if version == Version::V2 { count(&memory, "oom") } else { oom_kills },
        oom_kills,
        oom_group_kills: count(&memory, "oom_group_kill"),
        forks_refused: count(&text(Kind::Processes, "pids.events"), "max"),
        cpu_throttled: count(&text(Kind::Cpu, "cpu.stat"), "nr_throttled"),
    }
}

/// The same of a group of version 2 that has leaves, without what happened to a command in one. The kernel counts a kill
/// where the process was, and a refused fork where the limit is; before 6.11, where the fork was tried.
pub(super) fn events_beside_leaves(group: &OwnedFd, init: &OwnedFd) -> Events {
    let count = |group: &OwnedFd, name, key| value_of(&read(group, name).ok()?, key);
    let refused = count(group, "pids.events.local", "max").or_else(|| count(init, "pids.events", "max"));
    Events {
        oom: count(group, "memory.events.local", "oom").unwrap_or(0),
        oom_kills: count(init, "memory.events", "oom_kill").unwrap_or(0),
        oom_group_kills: count(group, "memory.events.local", "oom_group_kill").unwrap_or(0),
        forks_refused: refused.unwrap_or(0),
        cpu_throttled: count(group, "cpu.stat", "nr_throttled").unwrap_or(0),
    }
}

fn of(nodes: &[Node], kind: Kind) -> Option<&Node> {
    nodes.iter().find(|node| node.has(kind))
}

fn with_io(sample: Sample, bytes: Option<(u64, u64)>) -> Sample {
    Sample {
        read_bytes: bytes.map(|(read, _)| read),
        written_bytes: bytes.map(|(_, written)| written),
        ..sample
    }
}

fn parse_cpu(text: &str) -> Option<Cpu> {
    let time = |key| value_of(text, key).map(Duration::from_micros);
    Some(Cpu { total: time("usage_usec")?, user: time("user_usec")?, system: time("system_usec")? })
}

fn legacy_cpu(nodes: &[Node]) -> Option<Cpu> {
    let node = nodes.iter().find(|node| node.has_controller("cpuacct"))?;
    let time = |name| number(&node.directory, name).map(Duration::from_nanos);
    Some(Cpu {
        total: time("cpuacct.usage")?,
        user: time("cpuacct.usage_user")?,
        system: time("cpuacct.usage_sys")?,
    })
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, and a line for `full`.
fn parse_pressure(text: &str) -> Option<Pressure> {
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let value = |key: &str| line.split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    Some(Pressure {
        avg10: value("avg10")?.parse().ok()?,
        total: Duration::from_micros(value("total")?.parse().ok()?),
    })
}

/// `8:0 rbytes=4096 wbytes=0 rios=1 …`, a line for each device.
fn parse_io(text: &str) -> (u64, u64) {
    let words = text.split_whitespace();
    let sum = |key: &str| {
        let values = words.clone().filter_map(|word| word.strip_prefix(key)?.parse::<u64>().ok());
        values.fold(0, u64::saturating_add)
    };
    (sum("rbytes="), sum("wbytes="))
}

/// `8:0 Read 4096`, `8:0 Write 0` and more for each device, and `Total 4096`.
fn legacy_io(nodes: &[Node]) -> Option<(u64, u64)> {
    let node = nodes.iter().find(|node| node.has_controller("blkio"))?;
    Some(parse_legacy_io(&read(&node.directory, "blkio.throttle.io_service_bytes_recursive").ok()?))
}

fn parse_legacy_io(text: &str) -> (u64, u64) {
    let sum = |key: &str| {
        let values = text.lines().filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            words.next().filter(|word| *word == key)?;
            words.next()?.parse::<u64>().ok()
        });
        values.fold(0, u64::saturating_add)
    };
    (sum("Read"), sum("Write"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_in_microseconds() {
        let text = "usage_usec 3000001\nuser_usec 2000000\nsystem_usec 1000001\nnr_periods 0\n";
        let times = [3_000_001, 2_000_000, 1_000_001].map(Duration::from_micros);
        assert_eq!(parse_cpu(text), Some(Cpu { total: times[0], user: times[1], system: times[2] }));
        assert_eq!(parse_cpu("usage_usec 1\n"), None);
    }

    #[test]
    fn pressure_is_what_some_had_to_wait() {
        let text = "some avg10=1.50 avg60=0.20 avg300=0.00 total=4242\nfull avg10=9.00 avg60=0.00 avg300=0.00 total=1\n";
        assert_eq!(parse_pressure(text), Some(Pressure { avg10: 1.5, total: Duration::from_micros(4242) }));
        assert_eq!(parse_pressure(""), None);
    }

    #[test]
    fn bytes_of_all_devices_are_added_up() {
        let text =
            "8:16 rbytes=1 wbytes=20 rios=5 wios=6 dbytes=0 dios=0\n8:0 rbytes=3 wbytes=4 rios=1 wios=1\n";
        assert_eq!(parse_io(text), (4, 24));
        assert_eq!(parse_io(""), (0, 0));
        assert_eq!(parse_legacy_io("8:0 Read 7\n8:0 Write 8\n8:16 Read 1\n8:16 Total 9\nTotal 16\n"), (8, 8));
    }
}
