//! Where the proofs are made.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nix::unistd::geteuid;

/// A bare number: no account has to exist for it.
const ORDINARY_ID: u32 = 54_321;

/// In the environment of every proof.
pub(crate) const SECRET: &str = "nobody-is-to-know-this";

/// Users for whom root can prove something, or who we are.
pub(crate) fn callers() -> Vec<u32> {
    if geteuid().is_root() { vec![0, ORDINARY_ID] } else { vec![geteuid().as_raw()] }
}

/// A directory that every user can go through, with this program.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn make() -> Self {
        let everybody = Permissions::from_mode(0o755);
        let directory =
            tempfile::Builder::new().prefix("clearing-launcher-").permissions(everybody).tempdir();
        let directory = directory.expect("a directory");
        fs::copy(std::env::current_exe().expect("us"), directory.path().join("proof")).expect("copied");
        Self(directory)
    }

    pub(crate) fn prove(&self, name: &str, uid: u32) -> bool {
        let home = self.0.path().join(format!("{uid}-{name}"));
        fs::create_dir(&home).expect("made");
        chown(&home, Some(uid), Some(uid)).expect("given");
        let mut proof = Command::new(self.0.path().join("proof"));
        proof.args(["proof", name]).env_clear().env("SECRET", SECRET).current_dir(home);
        if uid != geteuid().as_raw() {
            proof.uid(uid).gid(uid);
        }
        proof.status().expect("spawned").success()
    }
}
