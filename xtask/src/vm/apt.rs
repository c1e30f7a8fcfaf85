//! Packages of another Debian release than the host's, read through an apt state of our own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::cache::Cache;
use crate::{Result, shell};

/// What Debian signs its releases with.
pub(super) const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The package lists of one release and of its backports. The host's own apt notices nothing of it.
pub(super) struct Apt {
    state: TempDir,
}

impl Apt {
    /// Fetches the lists.
    pub(super) fn of(cache: &Cache, release: &str) -> Result<Self> {
        let mirror = mirror()?;
        let apt = Self { state: cache.scratch()? };
        for directory in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(apt.state.path().join(directory))?;
        }
        let source = |suite: &str| format!("{} {suite} main\n", origin(&mirror));
        fs::write(apt.sources(), source(release) + &source(&format!("{release}-backports")))?;
        fs::write(apt.configuration(), configuration(apt.state.path()))?;
        shell::read(apt.command("apt-get").args(["--quiet=2", "update"]))?;
        Ok(apt)
    }

    /// The newest version of a package that this very suite has.
    pub(super) fn newest(&self, package: &str, suite: &str) -> Result<String> {
        let versions = shell::read(self.command("apt-cache").args(["madison", package]))?;
        newest_of(&versions, suite).ok_or_else(|| format!("{suite} has no package {package}").into())
    }

    /// What `apt-cache show` tells of one version, or nothing of a package that does not exist.
    pub(super) fn show(&self, package: &str) -> String {
        shell::read(self.command("apt-cache").args(["show", package])).unwrap_or_default()
    }

    /// Downloads packages, `NAME` or `NAME=VERSION`, and unpacks them into one directory.
    pub(super) fn unpack(&self, packages: &[String], into: &Path) -> Result {
        let archives = self.state.path().join("downloaded");
        fs::create_dir_all(&archives)?;
        let mut download = self.command("apt-get");
        shell::read(download.args(["--quiet=2", "download"]).args(packages).current_dir(&archives))?;
        for archive in fs::read_dir(&archives)? {
            shell::read(Command::new("dpkg-deb").arg("-x").arg(archive?.path()).arg(into))?;
        }
        Ok(fs::remove_dir_all(archives)?)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("APT_CONFIG", self.configuration()).env("LC_ALL", "C");
        command
    }

    fn configuration(&self) -> PathBuf {
        self.state.path().join("apt.conf")
    }

    fn sources(&self) -> PathBuf {
        self.state.path().join("sources.list")
    }
}

/// The mirror that this host gets Debian from.
pub(super) fn mirror() -> Result<String> {
    let mut targets = Command::new("apt-get");
    targets.args(["indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"]);
    let targets = shell::read(targets.env("LC_ALL", "C"))?;
    let mirror = targets.lines().find_map(|line| line.strip_prefix("Debian "));
    mirror.map(str::to_owned).ok_or_else(|| "this host's apt is configured with no Debian mirror".into())
}

/// The beginning of a line of sources; suite and component follow.
pub(super) fn origin(mirror: &str) -> String {
    format!("deb [arch=amd64 signed-by={KEYRING}] {mirror}")
}

/// Everything that apt would otherwise take from the host's own state.
fn configuration(state: &Path) -> String {
    let state = state.display();
    format!(
        "Dir::State \"{state}\";\n\
         Dir::State::status \"/dev/null\";\n\
         Dir::Cache \"{state}/cache\";\n\
         Dir::Etc::sourcelist \"{state}/sources.list\";\n\
         Dir::Etc::sourceparts \"/dev/null\";\n\
         Dir::Etc::preferencesparts \"/dev/null\";\n\
         Acquire::Languages \"none\";\n\
         APT::Sandbox::User \"root\";\n\
         APT::Architecture \"amd64\";\n"
    )
}

/// From lines such as `name | version | mirror suite/component arch Packages`, newest first.
fn newest_of(versions: &str, suite: &str) -> Option<String> {
    let suite = format!(" {suite}/");
    let mut lines = versions.lines().map(|line| line.split('|').collect::<Vec<_>>());
    lines.find_map(|fields| match fields[..] {
        [_, version, origin] if origin.contains(&suite) => Some(version.trim().to_owned()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_the_suites_own() {
        let versions = "a | 7.3-1~bpo13+1 | http://h/debian trixie-backports/main amd64 Packages\n\
                        a |   6.12.5-1 | http://h/debian trixie/main amd64 Packages\n";
        assert_eq!(newest_of(versions, "trixie").as_deref(), Some("6.12.5-1"));
        assert_eq!(newest_of(versions, "trixie-backports").as_deref(), Some("7.3-1~bpo13+1"));
        assert_eq!(newest_of(versions, "bookworm"), None);
    }
}
