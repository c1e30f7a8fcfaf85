//! The built binary: where it is, and how a copy of it is laid where any caller can execute it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::site::expect_success;

/// The binary under proof: `$CLEARING_BIN`, else what Cargo builds for release.
pub(crate) fn built() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| env::var_os("CLEARING_BIN").map_or_else(build, PathBuf::from))
}

/// Copies a program, mode 0755.
///
/// In another process, because one that is forked here by another thread meanwhile would hold the
/// copy open for writing, and executing it would fail with `ETXTBSY`.
///
/// # Panics
///
/// If it cannot.
pub fn install(program: &Path, to: &Path) {
    expect_success(Command::new("install").args(["-m", "755"]).arg(program).arg(to));
}

/// What is proved is what is shipped: the release profile.
fn build() -> PathBuf {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--release", "--package", "clearing", "--message-format=json"]);
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let messages = expect_success(&mut cargo);
    messages.lines().find_map(executable).expect("cargo names the executable that it built")
}

fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    message["executable"].as_str().map(PathBuf::from)
}
