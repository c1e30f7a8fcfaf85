//! Control groups on the host that this runs on: limits that hold, figures that are true, nothing left.
//!
//! Everything here happens in one process with one thread, as in a supervisor, and the programs in the
//! sandboxes are this one again. What the host does not offer is told.

mod calls;
mod ending;
mod identity;
mod leaf;
mod limits;
mod payload;
mod sandboxed;

use std::env;
use std::panic::catch_unwind;
use std::process::ExitCode;

use clearing_runtime::cgroup::{Groups, Kind, Search, Unavailable, Version};

/// What a proof needs of the host.
enum Needs {
    /// A group, even one that limits nothing.
    Group,
    /// Limits of these kinds.
    Limits(&'static [Kind]),
}

/// A proof, for each version that the host has.
type Proof = (&'static str, Needs, fn(&Groups));

const PROOFS: [Proof; 17] = [
    ("a_sandbox_sees_its_own_group_as_the_root", Needs::Group, ending::sees_its_own_group_as_the_root),
    ("a_group_is_gone_when_its_sandbox_is", Needs::Group, ending::gone_with_its_sandbox),
    ("a_killed_supervisor_leaves_no_group", Needs::Group, ending::killed_supervisor_leaves_nothing),
    ("a_dead_group_is_collected_by_the_next", Needs::Group, ending::dead_group_is_collected),
    ("a_command_sees_its_leaf_as_the_root", Needs::Group, leaf::seen_as_the_root),
    ("a_leaf_is_gone_when_nothing_is_in_it", Needs::Group, leaf::gone_when_empty),
    ("a_killed_supervisor_leaves_no_leaf", Needs::Group, leaf::killed_supervisor_leaves_nothing),
    ("a_dead_group_is_collected_with_its_leaves", Needs::Group, leaf::dead_group_is_collected),
    ("a_limit_that_was_not_taken_is_not_enforced", Needs::Group, limits::not_taken_is_not_enforced),
    ("private_memory_is_limited", Needs::Limits(&[Kind::Memory]), limits::private_memory),
    ("memory_of_many_processes_is_limited", Needs::Limits(&[Kind::Memory]), limits::memory_of_many),
    ("memory_files_are_limited", Needs::Limits(&[Kind::Memory]), limits::memory_files),
    ("files_in_tmpfs_are_limited", Needs::Limits(&[Kind::Memory]), limits::tmpfs_files),
    ("processes_are_limited", Needs::Limits(&[Kind::Processes]), limits::processes),
    ("threads_count_as_processes", Needs::Limits(&[Kind::Processes]), limits::threads),
    ("processor_time_is_limited", Needs::Limits(&[Kind::Cpu]), limits::processor),
    ("usage_is_what_was_used", Needs::Limits(&[Kind::Memory]), limits::usage),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["payload", ref rest @ ..] => payload::run(rest),
        ["supervise", version] => ending::supervise(version),
        ["supervise-leaf"] => leaf::supervise(),
        ["measure", version, rounds] => sandboxed::measure(version, rounds.parse().expect("a number")),
        ["find", ref rest @ ..] => find(rest.contains(&"ask")),
        // The runner's own flags.
        ref filters => {
            prove_all(&filters.iter().copied().filter(|word| !word.starts_with('-')).collect::<Vec<_>>())
        }
    }
}

/// Says what there is.
fn find(ask_manager: bool) -> ExitCode {
    match Groups::find(Search { ask_manager, only: None }) {
        Ok(groups) => {
            println!("{:?} {:?}, asked: {:?}", groups.version(), groups.controllers(), groups.asked())
        }
        Err(unavailable) => println!("{unavailable:?}"),
    }
    println!("{}", std::fs::read_to_string("/proc/self/cgroup").expect("own groups"));
    ExitCode::SUCCESS
}

fn prove_all(filters: &[&str]) -> ExitCode {
    let (mut passed, mut failed, mut ignored) = (0, 0, 0);
    for (version, groups) in [Version::V2, Version::V1].map(|version| (version, found(version))) {
        for (name, needs, proof) in &PROOFS {
            if !filters.is_empty() && !filters.iter().any(|filter| name.contains(filter)) {
                continue;
            }
            match groups.as_ref().map_err(ToString::to_string).and_then(|groups| offered(groups, needs)) {
                Err(reason) => {
                    // No host has both versions whole; the guests of `xtask vm` have the newer.
                    println!("ABSENT {name}: on {version:?}: {reason}");
                    ignored += 1;
                }
                Ok(groups) => match catch_unwind(std::panic::AssertUnwindSafe(|| proof(groups))) {
                    Ok(()) => {
                        println!("test {name} on {version:?} ... ok");
                        passed += 1;
                    }
                    Err(_) => {
                        println!("test {name} on {version:?} ... FAILED");
                        failed += 1;
                    }
                },
            }
        }
    }
    let all = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "test result: {all}. {passed} passed; {failed} failed; 0 ignored; 0 measured; {ignored} filtered out"
    );
    ExitCode::from(u8::from(failed > 0))
}

fn found(version: Version) -> Result<Groups, Unavailable> {
    Groups::find(Search { ask_manager: true, only: Some(version) })
}

fn offered<'a>(groups: &'a Groups, needs: &Needs) -> Result<&'a Groups, String> {
    let Needs::Limits(kinds) = needs else { return Ok(groups) };
    let held = groups.controllers();
    match kinds.iter().find(|kind| !held.contains(kind)) {
        None => Ok(groups),
        Some(kind) => Err(format!("no controller {}", kind.controller())),
    }
}
