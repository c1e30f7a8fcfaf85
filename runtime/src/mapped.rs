//! Id-mapped mounts: files of one owner on disk, shown as the command's own in the sandbox.
//!
//! Only the holder of `CAP_SYS_ADMIN` over a file system may map its ids, so a privileged supervisor
//! makes these mounts, unattached, and sends them to init.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::CWD;

use crate::error::{AtStage as _, Failure, Stage};
use crate::idmap::OwnerMaps;
use crate::mounts::clone_tree;
use crate::spec::{Access, Identity, Layer, Mount, Owners};
use crate::sys::{MountAttributes, mount_setattr};

/// The id-mapped mounts of one spec with their sources, in the order of its steps.
#[derive(Default)]
pub(crate) struct MappedMounts(Vec<(PathBuf, OwnedFd)>);

impl MappedMounts {
    /// Clones and maps every source of `steps` that asks for it.
    pub(crate) fn prepare(steps: &[Mount], identity: Identity) -> Result<Self, Failure> {
        let mut maps = OwnerMaps::new(identity);
        let map = |(source, access, (uid, gid)): (&Path, Access, (u32, u32))| {
            let mount = map_tree(source, access, maps.of(uid, gid)?)
                .at(Stage::IdMap, || format!("mount_setattr({source:?}, idmap {uid}:{gid})"))?;
            Ok((source.to_owned(), mount))
        };
        mapped_sources(steps).map(map).collect::<Result<_, _>>().map(Self)
    }

    /// Takes over the mounts that another process prepared for the same steps; `None` when there are
    /// fewer than those ask for.
    pub(crate) fn take_over(
        steps: &[Mount],
        descriptors: &mut impl Iterator<Item = OwnedFd>,
    ) -> Option<Self> {
        let pair = |(source, ..): (&Path, _, _)| Some((source.to_owned(), descriptors.next()?));
        mapped_sources(steps).map(pair).collect::<Option<_>>().map(Self)
    }

    /// Hands out the next mount made from `source`; each can be attached once.
    pub(crate) fn take(&mut self, source: &Path) -> io::Result<OwnedFd> {
        let place = self.0.iter().position(|(path, _)| path == source);
        place.map(|place| self.0.remove(place).1).ok_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))
    }

    /// In the order of the steps.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.0.iter().map(|(_, mount)| mount.as_fd())
    }
}

/// The sources that are to be mapped, with the owner on disk.
fn mapped_sources(steps: &[Mount]) -> impl Iterator<Item = (&Path, Access, (u32, u32))> {
    steps.iter().flat_map(sources).filter_map(|(source, access, owners)| match owners {
        Owners::Mapped { uid, gid } => Some((source, access, (uid, gid))),
        Owners::Host => None,
    })
}

/// What a step takes from the host. Upper and work directory must be reached through one mount, so
/// an overlay takes their parent.
fn sources(step: &Mount) -> Vec<(&Path, Access, Owners)> {
    match step {
        Mount::Bind { source, access, owners, .. } => vec![(source, *access, *owners)],
        Mount::Overlay { lower, layer, owners, .. } => lower
            .iter()
            .map(PathBuf::as_path)
            .chain(parent_of(layer))
            .map(|path| (path, Access::ReadWrite, *owners))
            .collect(),
        _ => Vec::new(),
    }
}

fn parent_of(layer: &Layer) -> Option<&Path> {
    match layer {
        Layer::Directories { upper, .. } => upper.parent(),
        Layer::Memory { .. } => None,
    }
}

fn map_tree(source: &Path, access: Access, id_map: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let tree = clone_tree(CWD, source, access)?;
    mount_setattr(&tree, MountAttributes { set: 0, id_map: Some(id_map) })?;
    Ok(tree)
}
