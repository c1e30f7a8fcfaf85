//! The probe: one static C program that makes the calls of an attack, built from `probe/*.c`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::site::expect_success;

/// The built probe, compiled again whenever a source of it is newer.
pub(crate) fn built() -> &'static Path {
    static PROBE: OnceLock<PathBuf> = OnceLock::new();
    PROBE.get_or_init(|| {
        let sources = sources();
        let program = build_directory().join("clearing-probe");
        if is_stale(&program, &sources) {
            compile(&sources, &program);
        }
        program
    })
}

fn sources() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("probe");
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    entries.flatten().map(|entry| entry.path()).collect()
}

/// Beside the proofs themselves, where Cargo keeps what it built.
fn build_directory() -> PathBuf {
    let proof = env::current_exe().expect("a running program has a path");
    proof.parent().expect("a program lies in a directory").to_owned()
}

fn is_stale(program: &Path, sources: &[PathBuf]) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let Ok(built) = changed(program) else {
        return true;
    };
    sources.iter().any(|source| changed(source).unwrap_or_else(|_| SystemTime::now()) > built)
}

/// Compiles to a name of its own first: several proofs may find the probe stale at once.
fn compile(sources: &[PathBuf], program: &Path) {
    let own = program.with_extension(std::process::id().to_string());
    let units = sources.iter().filter(|source| source.extension().is_some_and(|extension| extension == "c"));
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu11", "-O1", "-static", "-pthread", "-Wall", "-Wextra", "-o"]).arg(&own).args(units);
    expect_success(&mut cc);
    fs::rename(&own, program).expect("rename beside itself");
}
