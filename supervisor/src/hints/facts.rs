//! What is known of the host once something has failed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use clearing_rootfs::{MountTable, Store};
use rustix::fs::{Mode, OFlags};

use super::container::{Container, Signs};
use super::distribution::Distribution;

/// The facts that advice depends on. What cannot be read is absent or empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) distribution: Distribution,
    pub(crate) container: Option<Container>,
    /// As `uname -r` has it.
    pub(crate) release: String,
    /// Major and minor number of the kernel.
    pub(crate) kernel: Option<(u32, u32)>,
    /// The effective user.
    pub(super) uid: u32,
    /// Whether this is a user namespace to which not all ids were given.
    pub(super) lacks_ids: bool,
    /// Whether a system call filter is on this very process.
    pub(super) is_filtered: bool,
    /// Values by their names with dots.
    pub(super) sysctls: BTreeMap<&'static str, String>,
    /// Active ones, separated by commas.
    pub(super) security_modules: String,
    /// This program.
    pub(super) binary: PathBuf,
    /// The state directory.
    pub(super) state: PathBuf,
    /// The type of the file system that the state directory lies on.
    pub(crate) state_file_system: String,
    /// The caller's search path.
    pub(super) path: OsString,
}

/// The settings of a kernel that decide whether there are namespaces, keys and mounts.
const SYSCTLS: [&str; 13] = [
    "kernel.unprivileged_userns_clone",
    "kernel.apparmor_restrict_unprivileged_userns",
    "user.max_user_namespaces",
    "user.max_mnt_namespaces",
    "user.max_pid_namespaces",
    "user.max_net_namespaces",
    "user.max_ipc_namespaces",
    "user.max_uts_namespaces",
    "user.max_cgroup_namespaces",
    "kernel.keys.maxkeys",
    "kernel.keys.maxbytes",
    "fs.mount-max",
    "kernel.osrelease",
];

impl Facts {
    /// Reads them.
    pub(crate) fn of_host() -> Self {
        let sysctls: BTreeMap<_, _> =
            SYSCTLS.into_iter().filter_map(|key| Some((key, sysctl(key)?))).collect();
        let release = sysctls.get("kernel.osrelease").cloned().unwrap_or_default();
        let state = Store::default_path(&|name| std::env::var_os(name)).unwrap_or_default();
        Self {
            distribution: Distribution::parse(&first_of(&["/etc/os-release", "/usr/lib/os-release"])),
            container: Container::of(&signs(&release)),
            kernel: kernel_version(&release),
            release,
            uid: rustix::process::geteuid().as_raw(),
            lacks_ids: !has_all_ids(&first_of(&["/proc/self/uid_map"])),
            is_filtered: first_of(&["/proc/self/status"]).lines().any(|line| line == "Seccomp:\t2"),
            sysctls,
            security_modules: first_of(&["/sys/kernel/security/lsm"]).trim().to_owned(),
            binary: std::env::current_exe().unwrap_or_default(),
            state_file_system: file_system(&state),
            state,
            path: std::env::var_os("PATH").unwrap_or_default(),
        }
    }

    /// Whether the caller is user 0.
    pub(super) fn is_root(&self) -> bool {
        self.uid == 0
    }

    /// The limit on a kind of namespace that is 0.
    pub(super) fn zero_limit(&self) -> Option<&'static str> {
        let limits = self.sysctls.iter().filter(|(key, _)| key.starts_with("user.max_"));
        limits.into_iter().find(|(_, value)| *value == "0").map(|(key, _)| *key)
    }
}

/// Major and minor number of a release such as `6.8.0-45-generic`.
fn kernel_version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|character: char| !character.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The map of the first namespace is one line with as many ids as there can be.
fn has_all_ids(map: &str) -> bool {
    map.split_whitespace().eq(["0", "0", "4294967295"])
}

fn sysctl(key: &str) -> Option<String> {
    let path = Path::new("/proc/sys").join(key.replace('.', "/"));
    read(&path).map(|value| value.trim().to_owned())
}

fn signs(release: &str) -> Signs {
    let variable = std::env::var("container").unwrap_or_default();
    Signs {
        kernel: release.to_owned(),
        initial: is_initial("pid", 0xEFFF_FFFC) && is_initial("uts", 0xEFFF_FFFE),
        version: first_of(&["/proc/version"]),
        dockerenv: Path::new("/.dockerenv").exists(),
        containerenv: Path::new("/run/.containerenv").exists(),
        kubernetes: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some(),
        manager: if variable.is_empty() { first_of(&["/run/systemd/container"]) } else { variable },
        group: first_of(&["/proc/1/cgroup"]),
        root: file_system(Path::new("/")),
    }
}

/// Whether a namespace is the one with which the kernel started; their numbers are fixed
/// (`linux/proc_ns.h`).
fn is_initial(kind: &str, inode: u64) -> bool {
    Path::new("/proc/self/ns").join(kind).metadata().is_ok_and(|namespace| namespace.ino() == inode)
}

/// What the first of the files that can be read holds.
fn first_of(files: &[&str]) -> String {
    files.iter().find_map(|file| read(Path::new(file))).unwrap_or_default()
}

fn read(path: &Path) -> Option<String> {
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    io::read_to_string(std::fs::File::from(file)).ok()
}

/// The type of the file system that holds `path`, or that would hold it once it exists.
fn file_system(path: &Path) -> String {
    let existing = path.ancestors().find_map(|path| path.canonicalize().ok());
    let mount = existing.zip(MountTable::read().ok()).and_then(|(path, table)| table.holding(&path));
    mount.map(|mount| mount.fs_type).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{has_all_ids, kernel_version};

    #[test]
    fn releases_of_every_distribution_have_two_numbers() {
        for (release, version) in [
            ("6.8.0-45-generic", Some((6, 8))),
            ("5.14.0-427.el9.x86_64", Some((5, 14))),
            ("6.10-rc1", Some((6, 10))),
            ("4.4.0-19041-Microsoft", Some((4, 4))),
            ("", None),
        ] {
            assert_eq!(kernel_version(release), version, "{release}");
        }
    }

    #[test]
    fn a_rootless_containers_map_lacks_ids() {
        assert!(has_all_ids("         0          0 4294967295\n"));
        assert!(!has_all_ids("         0       1000          1\n         1     100000      65536\n"));
        assert!(!has_all_ids("         0     100000      65536\n"));
    }
}
