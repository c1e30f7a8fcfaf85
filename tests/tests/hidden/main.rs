//! Files of the project that a command does not see, and that nothing of a session lands upon.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

mod landing;
mod living;
mod told;
mod unseen;

use clearing_tests::{Output, Site};

/// Runs a shell script in a sandbox over the project, and demands what it prints.
#[track_caller]
fn expect_printed(site: &Site, options: &[&str], script: &str, printed: &str) -> Output {
    let output = site.run(["sh", "-c", script]).args(options).output();
    assert_eq!(output.stdout, printed, "{output}");
    output
}

/// Every way in which a command works over a project.
const WAYS: [&[&str]; 3] = [&["--layer", "memory"], &["--layer", "disk"], &["--layer", "copy"]];
