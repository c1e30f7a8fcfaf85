//! Bad input behaves, or fails with a message that says where, what and why.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

mod commands;
mod environment;
mod limits;
mod mounts;
mod names;
mod options;
mod projects;
mod refusal;
mod search_path;
mod streams;

/// Gives a file these permission bits.
fn chmod(path: &std::path::Path, mode: u32) {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}
