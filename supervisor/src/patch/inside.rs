//! The function that reads a patch and applies it, in the sandbox, with nothing but its three streams.

use std::ffi::CString;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;

use clearing_rootfs::{ApplyError, DirectoryTree, Patch, Refusal, Simulation};

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
    let tree = DirectoryTree::open(directory)?;
    match judged(&order, patch, &tree) {
        Err(refused) => Ok(PatchReport::refused(refused.iter().map(Refused::of).collect())),
        Ok(simulation) => {
            if order.verb == Verb::Apply {
                apply(&simulation, &tree)?;
            }
            Ok(PatchReport::accepted(&simulation))
        }
    }
}

fn judged(order: &Order, patch: &[u8], tree: &DirectoryTree) -> Result<Simulation, Vec<Refusal>> {
    let patch = Patch::read(patch, order.reading).map_err(|refusal| vec![refusal])?;
    let simulation = patch.simulate(tree)?;
    let refused = simulation.judge(&order.rules);
    if refused.is_empty() { Ok(simulation) } else { Err(refused) }
}

fn apply(simulation: &Simulation, tree: &DirectoryTree) -> Result<(), ApplyError> {
    simulation.apply(tree)
}
