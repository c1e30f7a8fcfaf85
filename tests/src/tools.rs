//! The tools of whoever runs the proofs, and a copy of the Rust toolchain for a caller who is not them.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::caller::PLAIN_PATH;
use crate::site::expect_success;

/// The programs of the toolchain that a build needs.
const PROGRAMS: [&str; 3] = ["cargo", "rustc", "rustdoc"];

/// Variables that say where tools are, beside the search path.
const PLACES: [&str; 6] = ["PATH", "CARGO_HOME", "RUSTUP_HOME", "PYENV_ROOT", "NVM_DIR", "VOLTA_HOME"];

/// The home of whoever runs the proofs.
pub(crate) fn own_home() -> PathBuf {
    env::home_dir().expect("whoever runs the proofs has a home")
}

/// What tells whoever runs the proofs where their tools are.
pub(crate) fn own_environment() -> Vec<(OsString, OsString)> {
    PLACES.iter().filter_map(|name| Some((OsString::from(name), env::var_os(name)?))).collect()
}

/// What tells a caller where the toolchain in their home is.
pub(crate) fn laid_environment(home: &Path) -> Vec<(OsString, OsString)> {
    let mut path = home.join(".cargo/bin").into_os_string();
    path.push(":");
    path.push(PLAIN_PATH);
    vec![("PATH".into(), path)]
}

/// Lays the active toolchain into a home as rustup does, so that its user can build.
///
/// Its files keep their owner, who may be root, and are shared with the original where the file
/// system can. A toolchain that is not rustup's is assumed to be in reach of everybody already.
pub(crate) fn lay_toolchain(home: &Path) {
    let sysroot = expect_success(Command::new("rustc").args(["--print", "sysroot"]));
    let sysroot = Path::new(sysroot.trim());
    let Some(proxy) = rustup() else { return };
    let name = sysroot.file_name().expect("a toolchain lies in a directory");
    let laid = home.join(".rustup/toolchains").join(name);
    let programs = home.join(".cargo/bin");
    for directory in [&laid.join("bin"), &programs, &home.join(".rustup/update-hashes")] {
        fs::create_dir_all(directory).expect("directories in a new home");
    }
    for program in PROGRAMS {
        share(&sysroot.join("bin").join(program), &laid.join("bin"));
        symlink("rustup", programs.join(program)).expect("a link in a new home");
    }
    share(&sysroot.join("lib"), &laid);
    share(&proxy, &programs);
    let settings = format!("version = \"12\"\ndefault_toolchain = \"{}\"\n", name.to_string_lossy());
    fs::write(home.join(".rustup/settings.toml"), settings).expect("a file in a new home");
}

/// The program behind the proxies, where `rustc` is one of them.
fn rustup() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let found =
        env::split_paths(&path).map(|directory| directory.join("rustup")).find(|program| program.is_file());
    found?.canonicalize().ok()
}

/// Hard links where the file system can, copies otherwise.
fn share(source: &Path, into: &Path) {
    let copied = |options: &str| Command::new("cp").arg(options).arg(source).arg(into).output();
    let linked = copied("-al").is_ok_and(|output| output.status.success());
    if !linked {
        expect_success(Command::new("cp").arg("-a").arg(source).arg(into));
    }
}
