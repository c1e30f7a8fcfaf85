//! The function that reads a patch and applies it, in the sandbox, with nothing but its three streams.

use std::ffi::CString;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;

use clearing_rootfs::{DirectoryTree, Patch, Prepared, Refusal, Rules, Simulation};

use crate::commit::rules;

use super::report::{PatchReport, Refused};
use super::{Order, Verb};

/// Its exit codes: what was asked for is done; the patch is refused; something failed.
pub(super) const ACCEPTED: i32 = 0;
pub(super) const REFUSED: i32 = 1;
const FAILED: u8 = 2;

/// Reads the order and the patch from standard input, does what it says in the working directory, and
/// writes the report to standard output.
pub(super) fn patch(_: &[CString]) -> u8 {
    match input().and_then(|input| answer(&input, Path::new("."))) {
        Ok(report) => {
            let code = if report.is_accepted() { ACCEPTED } else { REFUSED };
            let written = serde_json::to_vec(&report).map_err(io::Error::from);
            let written =
                written.and_then(|text| io::stdout().write_all(&text).and_then(|()| io::stdout().flush()));
            written.map_or(FAILED, |()| code as u8)
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "clearing: {}", crate::error::chain(&*error));
            FAILED
        }
    }
}

fn input() -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut input = Vec::new();
    // Not by way of `io::stdin`: what the supervisor left in its buffer, bytes of a patch that is too long, would
    // stand before the order.
    std::fs::File::from(io::stdin().as_fd().try_clone_to_owned()?).read_to_end(&mut input)?;
    Ok(input)
}

/// Does what the order says in the directory.
pub(super) fn answer(input: &[u8], directory: &Path) -> Result<PatchReport, Box<dyn std::error::Error>> {
    let (order, patch) = Order::read(input)?;
    let rules = order.apart.and(rules(&order.allow, &order.keep));
    let tree = DirectoryTree::open(directory)?.hiding(rules.hidden.clone());
    let accepted = match order.verb {
        Verb::Check => checked(&order, patch, &tree, &rules),
        Verb::Apply => match prepared(&order, patch, &tree, &rules) {
            Ok(ready) => ready.apply(&tree).map(|()| Ok(ready.simulation))?,
            Err(refused) => Err(refused),
        },
    };
    Ok(match accepted {
        Ok(simulation) => PatchReport::accepted(&simulation),
        Err(refused) => PatchReport::refused(refused.iter().map(Refused::of).collect()),
    })
}

fn checked(
    order: &Order,
    patch: &[u8],
    tree: &DirectoryTree,
    rules: &Rules,
) -> Result<Simulation, Vec<Refusal>> {
    let simulation = read(order, patch)?.simulate(tree)?;
    judged(rules, &simulation).map(|()| simulation)
}

fn prepared(
    order: &Order,
    patch: &[u8],
    tree: &DirectoryTree,
    rules: &Rules,
) -> Result<Prepared, Vec<Refusal>> {
    let ready = read(order, patch)?.prepare(tree)?;
    judged(rules, &ready.simulation).map(|()| ready)
}

fn read<'p>(order: &Order, patch: &'p [u8]) -> Result<Patch<'p>, Vec<Refusal>> {
    Patch::read(patch, order.reading).map_err(|refusal| vec![refusal])
}

fn judged(rules: &Rules, simulation: &Simulation) -> Result<(), Vec<Refusal>> {
    let refused = simulation.judge(rules);
    if refused.is_empty() { Ok(()) } else { Err(refused) }
}
