//! A small file system of its own for the state directory, with project quotas or without.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clearing_tests::{Site, absent};

/// A mounted image; gone with the value.
pub(crate) struct Disk {
    mounted: PathBuf,
}

/// How it is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quotas {
    /// Projects are counted, and their limits held.
    Held,
    /// The file system could, and was not told to.
    Off,
}

/// Set where a kernel that has no project quotas is a failure.
const MUST: &str = "CLEARING_TEST_QUOTAS";

impl Disk {
    /// None where the kernel cannot, or nobody but root could tell it to.
    pub(crate) fn new(site: &Site, quotas: Quotas) -> Option<Self> {
        let (image, mounted) = (site.directory().join("image"), site.directory().join("mounted"));
        std::fs::create_dir(&mounted).unwrap();
        std::fs::File::create(&image).unwrap().set_len(400 << 20).unwrap();
        let features = ["-O", "project,quota", "-E", "quotatype=prjquota"];
        let made = run(Command::new("mke2fs").args(["-q", "-t", "ext4"]).args(features).arg(&image));
        let options = if quotas == Quotas::Held { "loop,prjquota" } else { "loop" };
        let made =
            made.and_then(|_| run(Command::new("mount").args(["-o", options]).arg(&image).arg(&mounted)));
        match made {
            Ok(_) => Some(Self { mounted }),
            Err(said) if std::env::var_os(MUST).is_some() => panic!("no file system with quotas: {said}"),
            Err(said) => {
                absent(&format!(
                    "this kernel has no project quotas, and a machine proves them: {}",
                    said.trim()
                ));
                None
            }
        }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.mounted.join("state")
    }

    /// The projects that have limits, with blocks and inodes that they may have.
    pub(crate) fn limited_projects(&self, site: &Site) -> Vec<String> {
        let probe = site.project().join("probe");
        let told = run(Command::new(probe).arg("projects").arg(&self.mounted)).unwrap();
        String::from_utf8_lossy(&told.stdout).lines().map(str::to_owned).collect()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A forked process may still be removing what a run left.
        while self.is_mounted() && run(Command::new("umount").arg(&self.mounted)).is_err() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

impl Disk {
    fn is_mounted(&self) -> bool {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        mounts.lines().any(|line| line.split(' ').nth(1).map(Path::new) == Some(&self.mounted))
    }
}

fn run(command: &mut Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(output)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
