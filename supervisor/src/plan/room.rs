//! How much of what is written is kept in memory, and how much of it there may be at all.

use clearing_profiles::{Limits, Profile};
use clearing_runtime::spec::{Layer, Room};

use crate::workspace::Workspace;

/// Bytes of one page, which is the least that a file with something in it takes.
const PAGE: u64 = 4096;
/// The least: `/tmp`, `/dev/shm`, the home, and a few for each layer are made before the command is there.
const FEWEST_INODES: u64 = 64;
/// A layer's upper and work directories, and what overlayfs makes in these, some of it for a moment.
const INODES_OF_A_LAYER: u64 = 8;
/// The top, `/tmp`, `/dev/shm` and the home.
const INODES_OF_THE_ROOT: u64 = 4;
/// The most directories that lead to something that is shown below the home.
const INODES_OF_A_PLACE: u64 = 16;

/// The bounds of what is kept in memory. The kernel grants as many files more as there may be before the
/// command is; how many there are the watchdog sees, and holds the limit to the file.
pub(super) fn of(profile: &Profile, workspace: &Workspace) -> Room {
    let bytes = in_memory(profile);
    let places = workspace.settings.len() + workspace.tools.roots.len() + workspace.caches.len() + 1;
    let ours = INODES_OF_THE_ROOT
        + INODES_OF_A_LAYER * workspace.layers_in_memory()
        + INODES_OF_A_PLACE * places as u64;
    let inodes = match profile.limits.inodes {
        Some(inodes) => inodes + ours,
        None => (bytes / PAGE).max(FEWEST_INODES),
    };
    Room { bytes, inodes }
}

/// The profile's limits, with what really bounds the things that are written: where all of them are
/// kept in memory, that is what memory has room for.
pub(super) fn effective(profile: &Profile, workspace: &Workspace) -> Limits {
    let mut limits = profile.limits.clone();
    if matches!(workspace.changes.layer, Layer::Memory { .. }) {
        limits.disk = Some(in_memory(profile));
    }
    limits
}

fn in_memory(profile: &Profile) -> u64 {
    let layers = profile.filesystem.layer_size;
    profile.limits.disk.map_or(layers, |disk| disk.min(layers))
}
