//! `cargo xtask bench start`: what starting one sandbox costs.
//!
//! Every counted run of a contender follows a bare run of the same command, the order of the
//! contenders is shuffled in every round, and what is told are medians of the ratios of such pairs:
//! a machine that grows slower or faster meanwhile changes both sides alike.

mod contenders;
pub(crate) mod exec;
mod figures;
pub(crate) mod http;
mod place;
pub(crate) mod policy;
mod rounds;
pub(crate) mod rpc;
pub(crate) mod workspace;

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use crate::{Result, build, shell};
use place::Place;

/// The hidden chore that measures, as an ordinary user, what `start` has prepared.
pub(crate) const MEASURE: &str = "bench-measure";

/// Where root measures as: a bare number, no account has to exist for it.
const ORDINARY_ID: u32 = 54_321;

/// Prepares a place that an ordinary user can reach, and measures there as one.
pub(crate) fn start(options: &[&str]) -> Result {
    let rounds = match options {
        [] => "100",
        ["--rounds", rounds] => rounds,
        _ => return Err("usage: cargo xtask bench start [--rounds N]".into()),
    };
    let place = Place::prepare(&build::release_binary()?)?;
    shell::run(measurer(&place)?.arg(MEASURE).arg(place.directory()).arg(rounds))
}

/// This program in a plain environment there, as an ordinary user.
fn measurer(place: &Place) -> Result<Command> {
    let mut measure = Command::new(place.measurer());
    measure.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", place.home());
    measure.env("CLEARING_STATE_DIR", place.state()).current_dir(place.project());
    if nix::unistd::geteuid().is_root() {
        place.give_to(ORDINARY_ID)?;
        measure.uid(ORDINARY_ID).gid(ORDINARY_ID);
    }
    Ok(measure)
}

/// Measures every contender that runs here, and prints the table.
pub(crate) fn measure(directory: &str, rounds: &str) -> Result {
    let rounds: usize = rounds.parse()?;
    let place = Place::at(Path::new(directory));
    let (mut running, mut left_out) = (Vec::new(), Vec::new());
    for contender in contenders::all(&place) {
        match contender.failure() {
            None => running.push(contender),
            Some(why) => left_out.push(format!("{}: {}", contender.name, why.trim_end())),
        }
    }
    let figures = rounds::measure(&running, rounds)?;
    println!("{rounds} pairs of `{}`, as user {}", contenders::COMMAND, nix::unistd::geteuid());
    // Whatever waits for a processor waits longer the more processes it consists of.
    println!("load average {}", std::fs::read_to_string("/proc/loadavg")?.trim_end());
    figures::print(&figures);
    for reason in left_out {
        println!("left out: {reason}");
    }
    Ok(())
}
