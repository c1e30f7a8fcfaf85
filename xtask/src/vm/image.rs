//! The machine's root disk: a small Debian with systemd, user sessions and what tests run.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::apt;
use super::cache::Cache;
use crate::{Result, shell};

/// One release for all kernels: it is the kernel that differs from suite to suite.
const RELEASE: &str = "trixie";

/// Beside a minimal Debian: the service manager with user sessions, and what tests run in the machine.
const PACKAGES: &str = "systemd-sysv,dbus,dbus-user-session,libpam-systemd,udev,uidmap,procps,iproute2,e2fsprogs,\
                        git,python3-minimal,strace,curl";

/// Nothing that the image may grow to is taken from the host before it is written.
const SIZE: u64 = 8 << 30;

/// What nobody reads in a machine that lives for a minute.
const LEFT_OUT: [&str; 3] = ["/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*"];

/// What is done in the new root, which is `$1`. The units that are masked look for hardware, wait for a
/// clock or a terminal, or need kernel modules that the machine has not.
const FINISH: &str = r#"
chroot "$1" useradd --create-home --uid 1000 --shell /bin/bash tester
echo clearing-vm >"$1/etc/hostname"
rm -rf "$1/etc/resolv.conf" "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/var/cache/apt/*.bin
chroot "$1" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
    e2scrub_all.timer e2scrub_reap.service fstrim.timer getty.target console-getty.service \
    modprobe@.service systemd-udev-trigger.service systemd-udev-load-credentials.service \
    systemd-random-seed.service sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
    dev-hugepages.mount run-lock.mount
mkdir -p "$1/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=volatile\n' >"$1/etc/systemd/journald.conf.d/vm.conf"
chroot "$1" systemd-sysusers
chroot "$1" ldconfig
touch "$1/etc/.updated" "$1/var/.updated"
"#;

/// The disk, made if the cache has none that is made the same way.
pub(super) fn ensure(cache: &Cache) -> Result<PathBuf> {
    let recipe = format!("{RELEASE}\n{PACKAGES}\n{}\n{FINISH}", LEFT_OUT.join("\n"));
    let disk = cache.path("image.ext4");
    if disk.is_file() && fs::read_to_string(cache.path("image.recipe")).is_ok_and(|made| made == recipe) {
        return Ok(disk);
    }
    eprintln!("xtask vm: building the {RELEASE} image");
    let scratch = cache.scratch()?;
    let (root, made) = (scratch.path().join("root"), scratch.path().join("disk"));
    shell::read(&mut bootstrap(&root)?)?;
    format(&root, &made, SIZE)?;
    let disk = cache.place(&made, "image.ext4")?;
    fs::write(cache.path("image.recipe"), recipe)?;
    Ok(disk)
}

fn bootstrap(root: &Path) -> Result<Command> {
    let mut command = Command::new("mmdebstrap");
    command.args([
        "--quiet",
        "--variant=minbase",
        "--format=directory",
        "--aptopt=APT::Sandbox::User \"root\"",
    ]);
    command.arg(format!("--include={PACKAGES}"));
    command.args(LEFT_OUT.map(|path| format!("--dpkgopt=path-exclude={path}")));
    command.arg(format!("--customize-hook=set -eu{FINISH}"));
    command.arg(RELEASE).arg(root).arg(format!("{} {RELEASE} main", apt::origin(&apt::mirror()?)));
    Ok(command)
}

/// Makes a disk that holds a copy of a directory.
pub(super) fn format(directory: &Path, disk: &Path, size: u64) -> Result {
    File::create_new(disk)?.set_len(size)?;
    let mut mke2fs = Command::new("mke2fs");
    // An ordinary user's search path often leaves it out.
    let path = std::env::var("PATH").unwrap_or_default();
    mke2fs.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    mke2fs.args(["-q", "-F", "-t", "ext4", "-O", "^has_journal", "-E", "lazy_itable_init=1,root_owner=0:0"]);
    shell::read(mke2fs.arg("-d").arg(directory).arg(disk)).map(drop)
}
