//! `cargo xtask test`: every test of the workspace, the built binary's included.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Stdio};

use crate::{Result, build, packages, shell};

/// Installs what the tests need, runs them all and prints how many passed.
pub(crate) fn test() -> Result {
    packages::ensure()?;
    let binary = build::release_binary()?;
    let mut cargo = shell::cargo(&["test", "--workspace", "--no-fail-fast"]);
    cargo.env("CLEARING_BIN", binary).stdout(Stdio::piped());
    eprintln!("$ cargo test --workspace --no-fail-fast");
    let mut tests = cargo.spawn()?;
    let counts = relay(&mut tests)?;
    let status = tests.wait()?;
    println!("{counts}");
    if status.success() && counts.passed > 0 { Ok(()) } else { Err(format!("cargo test: {status}").into()) }
}

/// Passes on what the test runners print, and adds up what they count.
fn relay(tests: &mut Child) -> Result<Counts> {
    let mut counts = Counts::default();
    let printed = tests.stdout.take().ok_or("no pipe to cargo")?;
    for line in BufReader::new(printed).split(b'\n') {
        let line = line?;
        counts.add(&String::from_utf8_lossy(&line));
        let mut out = std::io::stdout();
        out.write_all(&line)?;
        out.write_all(b"\n")?;
    }
    Ok(counts)
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
