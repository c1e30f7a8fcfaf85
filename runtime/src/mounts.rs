//! Carries out the mount steps of a [`SandboxSpec`](crate::spec::SandboxSpec) and enters the result.
//!
//! Everything goes from descriptor to descriptor: sources are cloned with `open_tree`, targets opened
//! beneath the new root, and nothing that a command wrote is in view while it happens.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};

use crate::attached::Attached;
use crate::detached::{
    PRIVATE, attach, clone_mount, clone_tree, device, new_devpts, new_empty_directory, new_filesystem,
    new_open_proc, new_proc, restrict_bind,
};
use crate::error::{AtStage as _, Failure, Stage};
use crate::mapped::MappedMounts;
use crate::memory::Memory;
use crate::overlay::{Layers, Overlay, Sources};
use crate::remount::{Laid, Living, Placed};
use crate::sandbox::Kept;
use crate::spec::{Access, Mount, Owners, Room, Source};
use crate::stash::Stash;
use crate::sys::{MountAttributes, mount_setattr, protect_mount};
use crate::targets::{TargetKind, Targets};
use crate::veil::Veil;

/// Name of what masks are clones of, until all are in place.
const MASK: &str = ".mask";

/// Whether a sandbox shows the same layers all its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    OneView,
    ManyViews,
}

/// The root under construction.
pub(crate) struct Root {
    /// Beneath the top of its tmpfs, attached over the host's root.
    targets: Targets,
    mapped: MappedMounts,
    /// The overlays, for whoever wants to outlast them.
    overlays: Vec<OwnedFd>,
    /// The procfs, once there is one.
    processes: Option<OwnedFd>,
    memory: Memory,
    /// What overlays were made from.
    attached: Vec<Attached>,
    /// What the next overlay does not show.
    veil: Option<Veil>,
    /// A mask that is in place, to clone the next one from.
    mask: Option<OwnedFd>,
    /// Of a sandbox whose layers may change.
    stash: Option<Stash>,
    /// What is in place there.
    placed: Vec<Placed>,
    /// What its overlays do not show.
    veils: Vec<Laid>,
}

impl Root {
    /// Attaches an empty root over the host's, in this mount namespace alone. Absolute paths still lead
    /// into the host's: they start at the process's root directory, not at what covers it.
    pub(crate) fn attach(mapped: MappedMounts, room: Room, life: Life) -> Result<Self, Failure> {
        let top = new_filesystem("tmpfs", &[("mode", "0755"), ("size", "1m")], PRIVATE)
            .at(Stage::Mounts, || "fsmount(tmpfs) for the root".into())?;
        let host = open_host("/")?;
        let attached = match life {
            Life::OneView => attach(&top, host.as_fd()).map(|()| None),
            Life::ManyViews => Stash::attach(host.as_fd()).and_then(|mut stash| {
                stash.take(&top)?;
                Ok(Some(stash))
            }),
        };
        let stash = attached.at(Stage::Mounts, || "move_mount(tmpfs) over \"/\"".into())?;
        let memory = Memory::attach(top.as_fd(), room)
            .at(Stage::Mounts, || format!("mount(tmpfs, {} bytes) for the memory", room.bytes))?;
        Ok(Self {
            targets: Targets::new(top),
            mapped,
            overlays: Vec::new(),
            processes: None,
            memory,
            attached: Vec::new(),
            veil: None,
            mask: None,
            stash,
            placed: Vec::new(),
            veils: Vec::new(),
        })
    }

    /// Carries out every step in order.
    pub(crate) fn build(&mut self, steps: &[Mount]) -> Result<(), Failure> {
        steps.iter().try_for_each(|step| self.carry_out(step).at(Stage::Mounts, || describe(step)))?;
        let left = self.veil.as_ref().map_or(Ok(()), |_| Err(io::Error::from(io::ErrorKind::InvalidInput)));
        left.at(Stage::Mounts, || "a veil without an overlay".into())
    }

    /// Makes the root read-only and its own the only file system tree in sight; hands out what outlives it.
    /// Of `sources`, and of them alone, init keeps hold where the layers may change.
    pub(crate) fn enter(mut self, sources: &[Source]) -> Result<(Kept, Option<Living>), Failure> {
        let kept = self.keep(sources)?;
        let Self { targets, memory, attached, overlays, processes, mask, stash, placed, veils, .. } = self;
        let top = targets.top();
        let memory = leave(memory, attached)?;
        if mask.is_some() {
            // The masks hold what they show, and none is made any more: an unlinked file has no clones.
            rustix::fs::unlinkat(top, MASK, AtFlags::empty()).at(Stage::Mounts, || "unlink(mask)".into())?;
        }
        // The mounts upon it keep their own attributes.
        protect_mount(top).at(Stage::Mounts, || "mount_setattr(\"/\", read-only)".into())?;
        match &stash {
            None => pivot_into(top)?,
            Some(stash) => stash
                .enter(top)
                .at(Stage::Mounts, || "pivot_root(\".\", \".\") and chroot(new root)".into())?,
        }
        let table = |name| processes.as_ref().and_then(|processes| table(processes, name));
        let [segments, semaphores, messages] = ["sysvipc/shm", "sysvipc/sem", "sysvipc/msg"].map(table);
        let living = stash.map(|stash| Living::new(stash, kept, placed, targets).veiled(veils));
        let files = files_in(&memory);
        let memory = Some(memory);
        Ok((
            Kept { files, memory, processes, segments, semaphores, messages, overlays, ..Kept::default() },
            living,
        ))
    }

    /// Puts a mount of each source where init alone comes: before 6.15 the kernel takes an overlay's layers
    /// only from what is mounted, and later on nothing of the host is.
    fn keep(&mut self, sources: &[Source]) -> Result<Vec<(Source, OwnedFd)>, Failure> {
        let Some(mut stash) = self.stash.take() else { return Ok(Vec::new()) };
        let mut keep = |source: &Source| -> io::Result<_> {
            let mount = self.source(&source.path, source.owners, Access::ReadWrite)?;
            stash.take(&mount)?;
            Ok((source.clone(), mount))
        };
        let keep = |source: &Source| {
            keep(source).at(Stage::Mounts, || format!("open_tree({:?}) for later layers", source.path))
        };
        let kept = sources.iter().map(keep).collect();
        self.stash = Some(stash);
        kept
    }

    fn carry_out(&mut self, step: &Mount) -> io::Result<()> {
        match step {
            Mount::Directory { target, mode } => self.targets.make_directory(target, *mode),
            Mount::File { target, content, mode } => self.write_file(target, content, *mode),
            Mount::Symlink { target, to } => self.targets.make_symlink(target, to),
            Mount::Memory { target, mode } => {
                let directory = self.memory.directory(*mode)?;
                self.mount_at(target, directory)
            }
            Mount::Bind { source, target, access, owners } => {
                let tree = self.source(source, *owners, *access)?;
                restrict_bind(&tree, *access)?;
                self.mount_at(target, tree)
            }
            Mount::Veil { target, paths, directories } => {
                let (target, paths, directories) = (target.clone(), paths.clone(), directories.clone());
                self.veil = Some(Veil { target, paths, directories });
                Ok(())
            }
            Mount::Overlay { lower, layer, target, owners } => {
                let veil = self.lay_veil(target)?;
                let veil = veil.as_ref().map(OwnedFd::as_fd);
                let overlay = Overlay { lower, layer, veil, owners: *owners };
                let mount = self.overlay(&overlay)?;
                self.mount_at(target, mount)
            }
            Mount::Proc { target } => {
                // While that of the host is in sight whole.
                self.processes = Some(new_open_proc()?);
                self.mount_at(target, new_proc()?)
            }
            Mount::Devpts { target } => self.mount_at(target, new_devpts()?),
            Mount::Device { path } => self.mount_at(path, device(path)?),
            Mount::Mask { target } => self.mask(target),
            Mount::Protect { target } => self.protect(target),
        }
    }

    /// Makes the layer of what the overlay at `target` does not show. One for another place would be lost.
    fn lay_veil(&mut self, target: &Path) -> io::Result<Option<OwnedFd>> {
        let Some(veil) = self.veil.take() else { return Ok(None) };
        if veil.target != target {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if let Some(stash) = &mut self.stash {
            let laid = Laid::by(&veil, stash)?;
            let layer = laid.layer().try_clone_to_owned()?;
            self.veils.push(laid);
            return Ok(Some(layer));
        }
        let layer = veil.lay()?;
        self.attached.push(Attached::new(self.targets.top().as_fd(), layer.try_clone()?)?);
        Ok(Some(layer))
    }

    fn overlay(&mut self, overlay: &Overlay<'_>) -> io::Result<OwnedFd> {
        let mut sources = Sources {
            root: self.targets.top().as_fd(),
            mapped: &mut self.mapped,
            attached: &mut self.attached,
            memory: &self.memory,
        };
        let mount = Layers::open(overlay, &mut sources)?.mount(PRIVATE)?;
        self.overlays.push(mount.try_clone()?);
        Ok(mount)
    }

    /// Attaches `mount` at `target`, which is made to be of its kind.
    fn mount_at(&mut self, target: &Path, mount: OwnedFd) -> io::Result<()> {
        let kind = kind_of(&mount)?;
        attach(&mount, self.targets.ensure(target, kind)?.as_fd())?;
        if kind == TargetKind::Directory {
            self.targets.forget();
        }
        if self.stash.is_some() {
            let is_overlay = is_overlay(&mount)?;
            self.placed.push(Placed { target: target.to_owned(), kind, is_overlay, mount });
        }
        Ok(())
    }

    fn write_file(&mut self, target: &Path, content: &[u8], mode: u32) -> io::Result<()> {
        let file = self.targets.make_file(target, mode)?;
        io::Write::write_all(&mut std::fs::File::from(file), content)
    }

    /// Covers `target` with an empty file or directory of the root's own, never with one of the host's:
    /// a source that somebody can swap is how masks were taken off elsewhere (CVE-2025-31133).
    fn mask(&mut self, target: &Path) -> io::Result<()> {
        let covered = match self.targets.open(target) {
            Err(Errno::NOENT) => return Ok(()),
            found => found?,
        };
        match (kind_of(&covered)?, &self.mask) {
            (TargetKind::Directory, _) => attach(&new_empty_directory()?, covered.as_fd()),
            (TargetKind::File, Some(mask)) => attach(&clone_mount(mask)?, covered.as_fd()),
            (TargetKind::File, None) => {
                let mask = self.new_mask()?;
                attach(&mask, covered.as_fd())?;
                self.mask = Some(mask);
                Ok(())
            }
        }
    }

    /// A mount of an empty file that nobody may open.
    fn new_mask(&mut self) -> io::Result<OwnedFd> {
        drop(self.targets.make_file(Path::new(MASK), 0)?);
        let mask = clone_tree(self.targets.top().as_fd(), Path::new(MASK), Access::ReadOnly)?;
        mount_setattr(&mask, MountAttributes { set: libc::MOUNT_ATTR_RDONLY, id_map: None })?;
        Ok(mask)
    }

    fn protect(&mut self, target: &Path) -> io::Result<()> {
        let covered = match self.targets.open(target) {
            Err(Errno::NOENT) => return Ok(()),
            found => found?,
        };
        let tree = clone_mount(&covered)?;
        mount_setattr(&tree, MountAttributes { set: libc::MOUNT_ATTR_RDONLY, id_map: None })?;
        self.targets.forget();
        attach(&tree, covered.as_fd())
    }

    fn source(&mut self, source: &Path, owners: Owners, access: Access) -> io::Result<OwnedFd> {
        match owners {
            Owners::Mapped { .. } => self.mapped.take(source, owners),
            Owners::Host => clone_tree(CWD, source, access),
        }
    }
}

fn pivot_into(top: &OwnedFd) -> Result<(), Failure> {
    rustix::process::fchdir(top).at(Stage::Mounts, || "fchdir(new root)".into())?;
    rustix::process::pivot_root(".", ".").at(Stage::Mounts, || "pivot_root(\".\", \".\")".into())?;
    unmount(".", UnmountFlags::DETACH).at(Stage::Mounts, || "umount2(old root, MNT_DETACH)".into())?;
    rustix::process::chdir("/").at(Stage::Mounts, || "chdir(\"/\")".into())
}

/// How many files and directories a file system holds. Of one that cannot tell none are known.
fn files_in(top: &OwnedFd) -> u64 {
    rustix::fs::fstatvfs(top).map_or(0, |stat| stat.f_files - stat.f_ffree)
}

fn open_host(path: &str) -> Result<OwnedFd, Failure> {
    rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .at(Stage::Mounts, || format!("open({path:?})"))
}

/// Takes what overlays were made from out of the root; hands out the memory. All of it goes upon the
/// host's `/proc`, which nothing needs any more.
fn leave(memory: Memory, attached: Vec<Attached>) -> Result<OwnedFd, Failure> {
    let host = open_host("/proc")?;
    let moved = || "move_mount(layers) out of the root".to_owned();
    for mount in attached {
        mount.leave(host.as_fd()).at(Stage::Mounts, moved)?;
    }
    memory.leave(host.as_fd()).at(Stage::Mounts, moved)
}

fn kind_of(tree: &OwnedFd) -> io::Result<TargetKind> {
    let mode = rustix::fs::fstat(tree)?.st_mode;
    Ok(if FileType::from_raw_mode(mode) == FileType::Directory {
        TargetKind::Directory
    } else {
        TargetKind::File
    })
}

fn is_overlay(mount: &OwnedFd) -> io::Result<bool> {
    Ok(rustix::fs::fstatfs(mount)?.f_type == libc::OVERLAYFS_SUPER_MAGIC)
}

/// A table of System V objects shows those of the IPC namespace in which it was opened. A kernel may have
/// none.
fn table(processes: &OwnedFd, name: &str) -> Option<OwnedFd> {
    openat(processes, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()
}

pub(crate) fn describe(step: &Mount) -> String {
    match step {
        Mount::Directory { target, .. } => format!("mkdir({target:?})"),
        Mount::File { target, .. } => format!("write({target:?})"),
        Mount::Symlink { target, .. } => format!("symlink({target:?})"),
        Mount::Memory { target, .. } => format!("mount(memory, {target:?})"),
        Mount::Bind { source, target, .. } => format!("bind({source:?}, {target:?})"),
        Mount::Veil { target, paths, .. } => format!("hide({} paths, {target:?})", paths.len()),
        Mount::Overlay { lower, layer, target, .. } => {
            format!("mount(overlay, lower {lower:?}, {layer:?}, {target:?})")
        }
        Mount::Proc { target } => format!("mount(proc, {target:?})"),
        Mount::Devpts { target } => format!("mount(devpts, {target:?})"),
        Mount::Device { path } => format!("bind({path:?})"),
        Mount::Mask { target } => format!("mask({target:?})"),
        Mount::Protect { target } => format!("protect({target:?})"),
    }
}
