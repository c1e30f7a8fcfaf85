//! What a diff, a commit, and looking through an overlay cost.

use std::process::{Command, Stdio};
use std::time::Instant;

use super::super::place::Place;
use super::table::Column;
use super::tree::Tree;
use super::{FEW, create};
use crate::{Result, shell};

/// Prints what a script takes the first and the second time, in nanoseconds.
const TWICE: &str =
    "t() { date +%s%N; }; a=$(t); $0 > /dev/null; b=$(t); $0 > /dev/null; c=$(t); echo $((b-a)) $((c-b))";

/// Each by the binary, its own start included.
pub(super) fn diff_and_commit(place: &Place, tree: &Tree, rounds: usize, column: &mut Column) -> Result {
    let session = create(place, tree)?;
    for round in 0..rounds {
        clearing(place, &["exec", &session, "--", "sh", "-c", &tree.change(round)])?;
        column.add("diff of 10 files", clearing(place, &["diff", &session])?);
        column.add("commit of 10 files", clearing(place, &["commit", &session, "--yes"])?);
    }
    clearing(place, &["rm", &session, "--yes"]).map(drop)
}

/// Microseconds.
fn clearing(place: &Place, words: &[&str]) -> Result<f64> {
    time(Command::new(place.binary()).args(words))
}

/// Microseconds; what it prints goes nowhere.
pub(super) fn time(command: &mut Command) -> Result<f64> {
    let since = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let elapsed = since.elapsed().as_secs_f64() * 1e6;
    if status.success() { Ok(elapsed) } else { Err(format!("{command:?}: {status}").into()) }
}

/// `git status` and `find` for the first and the second time through a fresh overlay, beside the second time
/// on the bare project: the host has it all in memory each time.
pub(super) fn overlay(place: &Place, tree: &Tree, column: &mut Column) -> Result {
    for (script, names) in [
        ("git status", ["git status bare", "git status first", "git status again"]),
        ("find .", ["find bare", "find first", "find again"]),
    ] {
        for _ in 0..=FEW {
            let words = ["-c", &TWICE.replace("$0", script)];
            let bare = twice(Command::new("sh").args(words).current_dir(&tree.top))?;
            let mut run = Command::new(place.binary());
            run.args(["run", "-w"]).arg(&tree.top).args(["--", "sh"]).args(words).current_dir(&tree.top);
            let inside = twice(&mut run)?;
            column.add(names[0], bare[1]);
            column.add(names[1], inside[0]);
            column.add(names[2], inside[1]);
        }
    }
    Ok(())
}

/// Microseconds.
fn twice(command: &mut Command) -> Result<[f64; 2]> {
    let said = shell::read(command)?;
    let numbers: Vec<f64> = said.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?;
    let [first, second] = numbers[..] else { return Err(format!("no times: {said}").into()) };
    Ok([first / 1000.0, second / 1000.0])
}
