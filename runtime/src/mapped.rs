//! Id-mapped mounts: files of one owner on disk, shown as the command's own in the sandbox.
//!
//! Only the holder of `CAP_SYS_ADMIN` over a file system may map its ids, so a privileged supervisor
//! makes these mounts, unattached, and sends them to init.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::CWD;

use crate::detached::clone_tree;
use crate::error::{AtStage as _, Failure, Stage};
use crate::idmap::OwnerMaps;
use crate::spec::{Access, Identity, Layer, Mount, Owners, Source};
use crate::sys::{MountAttributes, mount_setattr};

/// The id-mapped mounts of one spec with their sources, in the order of its steps; then what is to stay
/// within reach.
#[derive(Default)]
pub(crate) struct MappedMounts(Vec<(PathBuf, Owners, OwnedFd)>);

impl MappedMounts {
    /// Clones and maps every source of `steps`, and of `kept`, that asks for it.
    pub(crate) fn prepare(steps: &[Mount], kept: &[Source], identity: Identity) -> Result<Self, Failure> {
        let mut maps = OwnerMaps::new(identity);
        let mut map = |(source, access, owners): (&Path, Access, Owners)| {
            let Owners::Mapped { uid, gid } = owners else { return Ok(None) };
            let id_map = Some(maps.of(uid, gid)?);
            let tree =
                clone_tree(CWD, source, access).at(Stage::Mounts, || format!("open_tree({source:?})"))?;
            mount_setattr(&tree, MountAttributes { set: 0, id_map })
                .at(Stage::IdMap, || format!("mount_setattr({source:?}, idmap {uid}:{gid})"))?;
            Ok(Some((source.to_owned(), owners, tree)))
        };
        all_sources(steps, kept)
            .filter_map(|source| map(source).transpose())
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Takes over the mounts that another process prepared for the same steps; `None` when there are
    /// fewer than those ask for.
    pub(crate) fn take_over(
        steps: &[Mount],
        kept: &[Source],
        descriptors: &mut impl Iterator<Item = OwnedFd>,
    ) -> Option<Self> {
        let mapped = all_sources(steps, kept).filter(|(.., owners)| matches!(owners, Owners::Mapped { .. }));
        let pair =
            |(source, _, owners): (&Path, _, _)| Some((source.to_owned(), owners, descriptors.next()?));
        mapped.map(pair).collect::<Option<_>>().map(Self)
    }

    /// Hands out the next mount made from `source`; each can be attached once.
    pub(crate) fn take(&mut self, source: &Path, owners: Owners) -> io::Result<OwnedFd> {
        let place = self.0.iter().position(|(path, of, _)| path == source && *of == owners);
        place.map(|place| self.0.remove(place).2).ok_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))
    }

    /// In the order of the steps.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.0.iter().map(|(.., mount)| mount.as_fd())
    }
}

/// What is taken from the host, with whose ids it is to show.
fn all_sources<'a>(
    steps: &'a [Mount],
    kept: &'a [Source],
) -> impl Iterator<Item = (&'a Path, Access, Owners)> {
    let kept = kept.iter().map(|source| (source.path.as_path(), Access::ReadWrite, source.owners));
    steps.iter().flat_map(sources).chain(kept)
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
