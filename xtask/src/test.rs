//! `cargo xtask test`: every test of the workspace, the built binary's included.

use std::path::Path;
use std::process::Stdio;

use crate::{Result, build, packages, relay, shell, vm};

/// Installs what the tests need, runs them all, here and in machines, and prints how many passed.
pub(crate) fn test() -> Result {
    packages::ensure()?;
    let binary = build::release_binary()?;
    let mut counts = Counts::default();
    let here = prove_here(&binary, &mut counts);
    let there = vm::prove(&binary, &mut |line| counts.add(line));
    println!("{counts}");
    here.and(there)?;
    if counts.passed > 0 { Ok(()) } else { Err("no test was run".into()) }
}

fn prove_here(binary: &Path, counts: &mut Counts) -> Result {
    let mut cargo = shell::cargo(&["test", "--workspace", "--no-fail-fast"]);
    cargo.env("CLEARING_BIN", binary).stdout(Stdio::piped());
    eprintln!("$ cargo test --workspace --no-fail-fast");
    let mut tests = cargo.spawn()?;
    let status = relay::both(&mut tests, &mut |line| counts.add(line), |tests| Ok(tests.wait()?))?;
    if status.success() { Ok(()) } else { Err(format!("cargo test: {status}").into()) }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u32,
    failed: u32,
    skipped: u32,
}

impl Counts {
    /// Adds what a runner's closing line counts, `test result: ok. 5 passed; 0 failed; 1 ignored; …`,
    /// and a proof that says of itself that it was not made.
    fn add(&mut self, line: &str) {
        self.skipped += u32::from(line.contains("SKIPPED "));
        let Some((_, counted)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counted.split("; ") {
            match count.split_once(' ').map(|(number, what)| (number.parse().unwrap_or(0), what)) {
                Some((number, "passed")) => self.passed += number,
                Some((number, "failed")) => self.failed += number,
                Some((number, "ignored")) => self.skipped += number,
                _ => {}
            }
        }
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_all_runners_are_added_up() {
        let mut counts = Counts::default();
        counts.add("running 6 tests");
        counts.add("SKIPPED a_proof: as Root: the proofs were not started by root");
        counts.add(
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        counts.add("test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.25s");
        assert_eq!(counts, Counts { passed: 7, failed: 3, skipped: 2 });
        assert_eq!(counts.to_string(), "7 passed, 3 failed, 2 skipped");
    }
}
