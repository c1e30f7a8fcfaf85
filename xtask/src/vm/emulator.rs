//! qemu, a newer one where the host's own is slow.

use std::path::PathBuf;
use std::process::Command;

use super::apt::Apt;
use super::cache::Cache;
use crate::{Result, shell};

const PROGRAM: &str = "qemu-system-x86_64";
const PACKAGES: [&str; 3] = ["qemu-system-x86", "qemu-system-common", "qemu-system-data"];

/// Emulating fork and exec takes version 7 three to five times as long as version 10.
const FAST_SINCE: u32 = 9;

/// An emulator that runs here.
pub(super) struct Emulator {
    /// Where it was unpacked, if it is not the host's own.
    unpacked: Option<PathBuf>,
}

impl Emulator {
    pub(super) fn command(&self) -> Command {
        let Some(root) = &self.unpacked else { return Command::new(PROGRAM) };
        let mut command = Command::new(root.join("usr/bin").join(PROGRAM));
        for firmware in ["usr/share/qemu", "usr/share/seabios"] {
            command.arg("-L").arg(root.join(firmware));
        }
        command
    }
}

/// The host's emulator, or a newer one out of the backports of the host's own release, which is unpacked
/// into the cache and uses the libraries that came with the host's.
pub(super) fn ensure(cache: &Cache) -> Result<Emulator> {
    let version = shell::read(Command::new(PROGRAM).arg("--version"))
        .map_err(|error| format!("{error}; apt-get install qemu-system-x86"))?;
    if major(&version).is_some_and(|major| major >= FAST_SINCE) {
        return Ok(Emulator { unpacked: None });
    }
    let newer = Emulator { unpacked: Some(cache.path("qemu")) };
    if runs(&newer) {
        return Ok(newer);
    }
    eprintln!("xtask vm: fetching a newer qemu");
    fetch(cache)
        .and_then(|()| if runs(&newer) { Ok(newer) } else { Err("it does not run here".into()) })
        .or_else(|error| {
            eprintln!("xtask vm: going on with the host's own, slower qemu: {error}");
            Ok(Emulator { unpacked: None })
        })
}

fn fetch(cache: &Cache) -> Result {
    let release =
        shell::read(Command::new("sh").args(["-c", ". /etc/os-release; echo \"$VERSION_CODENAME\""]))?;
    let release = release.trim();
    let apt = Apt::of(cache, release)?;
    let version = apt.newest(PACKAGES[0], &format!("{release}-backports"))?;
    let mut packages: Vec<_> = PACKAGES.iter().map(|package| format!("{package}={version}")).collect();
    packages.push("seabios".to_owned());
    let scratch = cache.scratch()?;
    let made = scratch.path().join("made");
    apt.unpack(&packages, &made)?;
    cache.place(&made, "qemu").map(drop)
}

fn runs(emulator: &Emulator) -> bool {
    shell::succeeds(emulator.command().arg("--version"))
}

/// From `QEMU emulator version 7.2.9 (…)`.
fn major(version: &str) -> Option<u32> {
    let (_, number) = version.split_once("version ")?;
    number.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(major("QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\nCopyright"), Some(10));
        assert_eq!(major("something else"), None);
    }
}
