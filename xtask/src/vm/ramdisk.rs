//! The initial ramdisk: busybox, the kernel's modules and the scripts of `guest/`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::kernel::Kernel;
use crate::{Result, shell};

/// The scripts, each at its path in the ramdisk. All but the first are taken along into the root.
const SCRIPTS: [(&str, &str); 7] = [
    ("init", include_str!("guest/init")),
    ("vm/carry", include_str!("guest/carry")),
    ("vm/small", include_str!("guest/small")),
    ("vm/systemd", include_str!("guest/systemd")),
    ("vm/run", include_str!("guest/run")),
    ("vm/finish", include_str!("guest/finish")),
    ("vm/command.service", include_str!("guest/command.service")),
];

/// Makes it anew: that takes less than finding out whether it is stale.
pub(super) fn make(kernel: &Kernel, directory: &Path) -> Result<PathBuf> {
    let (stage, ramdisk) = (directory.join("ramdisk"), directory.join("ramdisk.cpio"));
    for made in ["bin", "proc", "sys", "dev", "new", "vm"] {
        fs::create_dir_all(stage.join(made))?;
    }
    let busybox = shell::find("busybox").ok_or("busybox is missing; apt-get install busybox-static")?;
    fs::copy(busybox, stage.join("bin/busybox"))?;
    for (path, text) in SCRIPTS {
        fs::write(stage.join(path), text)?;
        fs::set_permissions(stage.join(path), Permissions::from_mode(0o755))?;
    }
    shell::read(Command::new("cp").arg("-rT").arg(kernel.modules()).arg(stage.join("modules")))?;
    let mut pack = Command::new("sh");
    pack.args(["-c", r#"find . | cpio --create --format=newc --quiet >"$1""#, "sh"]).arg(&ramdisk);
    shell::read(pack.current_dir(&stage))?;
    Ok(ramdisk)
}
