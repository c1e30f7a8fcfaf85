//! Overlay, procfs and id-mapped mounts, mounted by the steps that init takes.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, mount_change};

use super::trial::in_user_namespace;
use super::{Answer, Request};
use crate::error::{AtStage as _, Failure, Stage};
use crate::mapped::MappedMounts;
use crate::mounts::{Life, Root};
use crate::spec::{Access, Identity, Layer, Mount, Owners, Room};

/// A procfs of a new PID namespace, in which its first process is seen.
pub(super) fn procfs(request: &Request<'_>) -> Answer {
    in_root(request, Mount::Proc { target: "/proc".into() }, || {
        rustix::fs::stat("/proc/1").at(Stage::Mounts, || "stat(\"/proc/1\")".into())?;
        Ok("in a PID namespace of its own".into())
    })
}

/// An overlay over a file of the scratch directory; the file is removed and another written.
pub(super) fn overlay(request: &Request<'_>) -> Answer {
    let [lower, upper, work] = ["lower", "upper", "work"].map(|name| request.scratch.join(name));
    for directory in [&lower, &upper, &work] {
        make_directory(directory)?;
    }
    let file = lower.join("removed");
    write(&file).at(Stage::Mounts, || format!("write({file:?})"))?;
    let owners = owners(request.identity);
    let layer = Layer::Directories { upper, work };
    let step = Mount::Overlay { lower: vec![lower], layer, target: "/overlay".into(), owners };
    in_root(request, step, || {
        write(Path::new("/overlay/written"))
            .at(Stage::Mounts, || "write() in an overlay on the state directory".into())?;
        rustix::fs::unlink("/overlay/removed")
            .at(Stage::Mounts, || "unlink() in an overlay on the state directory".into())?;
        Ok("userxattr, volatile; writes and whiteouts".into())
    })
}

/// Id-mapped mounts on the file system of each directory.
pub(super) fn id_mapped(request: &Request<'_>) -> Answer {
    let bind = |source: &PathBuf| Mount::Bind {
        source: source.clone(),
        target: "/mapped".into(),
        access: Access::ReadWrite,
        owners: owners(request.identity),
    };
    let steps: Vec<Mount> = request.directories.iter().map(bind).collect();
    MappedMounts::prepare(&steps, &[], request.identity)?;
    let names: Vec<_> = request.directories.iter().map(|path| format!("{path:?}")).collect();
    Ok(format!("on {}", names.join(", ")))
}

/// Enters a root that one step makes, in namespaces of its own, and looks at it.
fn in_root(request: &Request<'_>, step: Mount, look: impl FnOnce() -> Answer) -> Answer {
    let steps = [step];
    let mapped = MappedMounts::prepare(&steps, &[], request.identity)?;
    let flags = libc::CLONE_NEWNS | libc::CLONE_NEWPID;
    in_user_namespace(flags, request.identity, || {
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
            .at(Stage::Mounts, || "mount(\"/\", MS_PRIVATE | MS_REC)".into())?;
        let mut root = Root::attach(mapped, Room { bytes: 4096, inodes: 16 }, Life::OneView)?;
        root.build(&steps)?;
        root.enter(&[])?;
        look()
    })
}

/// The scratch directory is the caller's own.
fn owners(identity: Identity) -> Owners {
    match identity {
        Identity::Caller { .. } => Owners::Host,
        Identity::Shifted { .. } => Owners::Mapped {
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
        },
    }
}

fn make_directory(path: &Path) -> Result<(), Failure> {
    match rustix::fs::mkdir(path, Mode::RWXU) {
        Err(Errno::EXIST) => Ok(()),
        made => made.at(Stage::Mounts, || format!("mkdir({path:?})")),
    }
}

fn write(path: &Path) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
    std::fs::File::from(file).write_all(b"probe\n")
}
