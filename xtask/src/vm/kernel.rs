//! The kernel of a suite: the one that Debian makes for virtual machines.

use std::fs;
use std::path::{Path, PathBuf};

use super::apt::Apt;
use super::cache::Cache;
use super::modules;
use super::options::Suite;
use crate::{Result, shell};

/// Follows the newest kernel of its suite; it names that kernel's own packages.
const NEWEST: &str = "linux-image-cloud-amd64";

/// The modules that the ramdisk loads, as far as they are not built in: devices, the disks' file system,
/// the layers of a workspace, an interface so that the machine has an address beside loopback, and what a file
/// system with quotas needs that a proof makes for itself.
const MODULES: [&str; 10] = [
    "virtio_pci",
    "virtio_blk",
    "virtio_console",
    "virtio_rng",
    "crc32c_generic",
    "ext4",
    "overlay",
    "dummy",
    "loop",
    "quota_v2",
];

/// A kernel that is ready to boot.
pub(super) struct Kernel {
    directory: PathBuf,
}

impl Kernel {
    pub(super) fn image(&self) -> PathBuf {
        self.directory.join("vmlinuz")
    }

    /// The modules to load; their names sort in the order in which they need each other.
    pub(super) fn modules(&self) -> PathBuf {
        self.directory.join("modules")
    }
}

/// The suite's kernel, fetched if the cache has none.
pub(super) fn ensure(cache: &Cache, suite: Suite) -> Result<Kernel> {
    let name = format!("kernel-{}", suite.name());
    let mut directory = cache.path(&name);
    // Of what an older recipe chose the rest was thrown away.
    let recipe = MODULES.join("\n");
    if !fs::read_to_string(directory.join("recipe")).is_ok_and(|made| made == recipe) {
        eprintln!("xtask vm: fetching the kernel of {}", suite.name());
        let scratch = cache.scratch()?;
        let made = scratch.path().join("made");
        fetch(&Apt::of(cache, suite.release())?, suite, &scratch.path().join("unpacked"), &made)?;
        fs::write(made.join("recipe"), recipe)?;
        directory = cache.place(&made, &name)?;
    }
    Ok(Kernel { directory })
}

fn fetch(apt: &Apt, suite: Suite, unpacked: &Path, made: &Path) -> Result {
    let newest = apt.newest(NEWEST, suite.name())?;
    let release = release(&apt.show(&format!("{NEWEST}={newest}"))).ok_or("it names no kernel")?;
    // One package in older releases, several in newer ones.
    let parts = ["image", "binary", "modules"].map(|part| format!("linux-{part}-{release}"));
    let parts: Vec<_> = parts.into_iter().filter(|part| !apt.show(part).is_empty()).collect();
    apt.unpack(&parts, unpacked)?;
    fs::create_dir_all(made.join("modules"))?;
    let images = shell::find_files(unpacked, |name| name.starts_with("vmlinuz"))?;
    fs::copy(images.first().ok_or("its packages hold no kernel")?, made.join("vmlinuz"))?;
    modules::lay(&MODULES, unpacked, &made.join("modules"))?;
    Ok(fs::write(made.join("release"), release)?)
}

/// From a line such as `Depends: linux-image-6.12.43+deb13-cloud-amd64 (= 6.12.43-1)`.
fn release(shown: &str) -> Option<String> {
    let depends = shown.lines().find_map(|line| line.strip_prefix("Depends: "))?;
    let mut packages = depends.split(", ").filter_map(|package| package.split(' ').next());
    packages
        .find_map(|package| {
            package.strip_prefix("linux-image-").filter(|it| it.starts_with(char::is_numeric))
        })
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_the_one_that_the_newest_depends_on() {
        let shown =
            "Package: linux-image-cloud-amd64\nDepends: linux-image-6.1.0-39-cloud-amd64 (= 6.1.148-1), x\n";
        assert_eq!(release(shown).as_deref(), Some("6.1.0-39-cloud-amd64"));
        assert_eq!(release("Depends: linux-image-cloud\n"), None);
    }
}
