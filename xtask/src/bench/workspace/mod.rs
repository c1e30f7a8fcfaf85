//! `cargo xtask bench workspace`: what a transaction costs, over projects of different sizes.
//!
//! A snapshot and a rollback are measured in a sandbox that lives on, after a `find` over the whole project, so
//! that there is something to be dropped; what they are compared with copies or reads the project.

mod copying;
mod live;
mod prices;
mod table;
mod tree;

use std::path::Path;

use super::place::Place;
use crate::{Result, build, shell};
use live::Live;
use table::Column;
use tree::Tree;

/// The hidden chore that measures, as an ordinary user, what `start` has prepared.
pub(crate) const MEASURE: &str = "bench-workspace-measure";

/// So many files are changed at a time.
const CHANGED: usize = 10;
/// How often what takes long is done.
const FEW: usize = 2;

/// Prepares a place that an ordinary user can reach, below `$TMPDIR` or `/var/tmp`, and measures there as one.
pub(crate) fn start(options: &[&str]) -> Result {
    let (mut rounds, mut sizes) = ("20", "100,10000,100000");
    for option in options.chunks(2) {
        match option {
            ["--rounds", number] => rounds = number,
            ["--sizes", numbers] => sizes = numbers,
            _ => return Err("usage: cargo xtask bench workspace [--rounds N] [--sizes N,…]".into()),
        }
    }
    let place = Place::prepare(&build::release_binary()?)?;
    std::fs::copy(build::release_example("live")?, place.live())?;
    let mut measurer = super::measurer(&place)?;
    shell::run(measurer.arg(MEASURE).arg(place.directory()).arg(rounds).arg(sizes))
}

/// Measures every size, and prints the table.
pub(crate) fn measure(directory: &str, rounds: &str, sizes: &str) -> Result {
    let (place, rounds) = (Place::at(Path::new(directory)), rounds.parse()?);
    let mut columns = Vec::new();
    for files in sizes.split(',') {
        let tree = Tree::make(&place.project().join(files), files.parse()?)?;
        columns.push(of_size(&place, &tree, rounds)?);
        std::fs::remove_dir_all(&tree.top)?;
    }
    println!("{rounds} rounds, as user {}", nix::unistd::geteuid());
    println!("load average {}", std::fs::read_to_string("/proc/loadavg")?.trim_end());
    table::print(&columns);
    Ok(())
}

fn of_size(place: &Place, tree: &Tree, rounds: usize) -> Result<Column> {
    eprintln!("{} files, {} MB", tree.files, tree.bytes() / 1_000_000);
    let mut column = Column::of(tree);
    let session = create(place, tree)?;
    let mut live = Live::open(place, &session)?;
    live.measure(tree, rounds, &mut column)?;
    live.end()?;
    prices::diff_and_commit(place, tree, rounds.min(10), &mut column)?;
    prices::overlay(place, tree, &mut column)?;
    copying::measure(place, tree, &mut column)?;
    Ok(column)
}

/// A new session over the tree.
fn create(place: &Place, tree: &Tree) -> Result<String> {
    let mut create = std::process::Command::new(place.binary());
    Ok(shell::read(create.args(["create", "-w"]).arg(&tree.top))?.trim().to_owned())
}
