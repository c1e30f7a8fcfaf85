//! `cargo xtask ci`: what is run on every change, cheapest first.

use crate::{Result, dist, shell, test, tidy};

/// Runs all of it; the first that fails ends it.
pub(crate) fn ci() -> Result {
    shell::run(&mut shell::cargo(&["fmt", "--all", "--check"]))?;
    tidy::tidy()?;
    shell::run(&mut shell::cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    test::test()?;
    dist::dist(&[])
}
