//! The limits of a group, written to its files.

use super::group::Node;
use super::{Kind, Limits, Version, files};
use crate::error::{AtStage as _, Failure, Stage};

/// What became of one limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enforcement {
    /// Which.
    pub kind: Kind,
    /// What the kernel took, in its own words; or why it took none, and nothing is limited.
    pub taken: Result<String, Failure>,
    /// What a limit that was taken does not hold.
    pub open: Option<&'static str>,
}

/// What the kernel took, and what that does not hold.
type Taken = (String, Option<&'static str>);

/// Of a kernel that was built or booted without counting swap.
const SWAP_IS_OPEN: &str = "this kernel does not count swap: memory that is swapped out is not limited";

/// Sets what is asked for in the groups of one sandbox, whose init is one of the processes.
pub(super) fn set(version: Version, nodes: &[Node], limits: Limits) -> Vec<Enforcement> {
    let asked = [
        limits.memory.map(|bytes| (Kind::Memory, bytes)),
        limits.processes.map(|count| (Kind::Processes, count)),
        limits.cpu.map(|share| (Kind::Cpu, share.into())),
    ];
    let enforce = |(kind, value)| match set_one(version, nodes, kind, value) {
        Ok((words, open)) => Enforcement { kind, taken: Ok(words), open },
        Err(failure) => Enforcement { kind, taken: Err(failure), open: None },
    };
    asked.into_iter().flatten().map(enforce).collect()
}

fn set_one(version: Version, nodes: &[Node], kind: Kind, value: u64) -> Result<Taken, Failure> {
    let node = nodes.iter().find(|node| node.has(kind)).ok_or_else(|| Failure {
        stage: Stage::Limits,
        action: format!("looking for the controller {}", kind.controller()),
        errno: libc::ENOENT,
    })?;
    match (version, kind) {
        (Version::V2, Kind::Memory) => memory(node, value),
        (Version::V1, Kind::Memory) => legacy_memory(node, value),
        (_, Kind::Processes) => Ok((processes(node, value)?, None)),
        (Version::V2, Kind::Cpu) => Ok((cpu(node, value)?, None)),
        (Version::V1, Kind::Cpu) => Ok((legacy_cpu(node, value)?, None)),
    }
}

/// A group that is out of memory is killed as a whole: half of a build that goes on is worse than none.
fn memory(node: &Node, bytes: u64) -> Result<Taken, Failure> {
    set_file(node, "memory.max", bytes)?;
    let swap = unless_absent(set_file(node, "memory.swap.max", 0))?;
    let together = unless_absent(set_file(node, "memory.oom.group", 1))?;
    let (swap, open) = if swap { ("no swap", None) } else { ("swap is not counted", Some(SWAP_IS_OPEN)) };
    let together = if together { "killed together" } else { "killed one by one" };
    Ok((format!("memory.max {bytes}, {swap}, {together}"), open))
}

fn legacy_memory(node: &Node, bytes: u64) -> Result<Taken, Failure> {
    set_file(node, "memory.limit_in_bytes", bytes)?;
    // Of memory and swap together, never below the limit of memory alone.
    if unless_absent(set_file(node, "memory.memsw.limit_in_bytes", bytes))? {
        return Ok((format!("memory.limit_in_bytes {bytes}, no swap"), None));
    }
    let avoided = unless_absent(set_file(node, "memory.swappiness", 0))?;
    let swap = if avoided { "swap avoided, not counted" } else { "swap is not counted" };
    Ok((format!("memory.limit_in_bytes {bytes}, {swap}"), Some(SWAP_IS_OPEN)))
}

fn processes(node: &Node, count: u64) -> Result<String, Failure> {
    set_file(node, "pids.max", count)?;
    Ok(format!("pids.max {count}"))
}

fn cpu(node: &Node, share: u64) -> Result<String, Failure> {
    let (quota, period) = bandwidth(share);
    files::set(&node.directory, "cpu.max", &format!("{quota} {period}"))?;
    Ok(format!("cpu.max {quota} {period}"))
}

fn legacy_cpu(node: &Node, share: u64) -> Result<String, Failure> {
    let (quota, period) = bandwidth(share);
    set_file(node, "cpu.cfs_period_us", period)?;
    set_file(node, "cpu.cfs_quota_us", quota)?;
    Ok(format!("cpu.cfs_quota_us {quota} of {period}"))
}

/// Microseconds of processor time in a period for so many thousandths of a processor. The kernel's own
/// period of 100 ms, or a longer one where the quota would be less than the 1 ms that it takes at least.
fn bandwidth(share: u64) -> (u64, u64) {
    match share {
        0..10 => (1000 * share.min(1), 1_000_000 / share.max(1)),
        _ => (100 * share, 100_000),
    }
}

fn set_file(node: &Node, name: &str, value: u64) -> Result<(), Failure> {
    files::set(&node.directory, name, &value.to_string())
}

/// Whether a file was there to be written; kernels leave out what they were built or booted without.
fn unless_absent(result: Result<(), Failure>) -> Result<bool, Failure> {
    match result {
        Err(failure) if failure.errno == libc::ENOENT => Ok(false),
        other => other.map(|()| true),
    }
}

/// Puts a process into one group of version 1.
pub(super) fn attach(node: &Node, pid: u32) -> Result<(), Failure> {
    files::write(&node.directory, "cgroup.procs", &pid.to_string())
        .at(Stage::Limits, || format!("write(\"{}/cgroup.procs\", {pid})", node.path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_share_of_a_processor_is_exact_and_within_what_the_kernel_takes() {
        for share in (1..200).chain([500, 800, 1000, 64_000]) {
            let (quota, period) = bandwidth(share);
            assert!(quota >= 1000 && (1000..=1_000_000).contains(&period), "{share}: {quota} {period}");
            assert!((quota * 1000).abs_diff(share * period) <= quota, "{share}: {quota} {period}");
        }
        assert_eq!(bandwidth(500), (50_000, 100_000));
        assert_eq!(bandwidth(1), (1000, 1_000_000));
        // Refused by the kernel, and so reported.
        assert_eq!(bandwidth(0).0, 0);
    }
}
