//! Layers that are made before they are asked for: on a disk, an empty layer and an overlay upon it take most of
//! the time of a snapshot.
//!
//! While a command runs, two are made for the project: one above what it writes, for a snapshot, and one
//! beside it, for the way back to the last one. Nobody has looked into these overlays, so that it does not matter
//! what changes below. They stay until the layers below are others.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clearing_profiles::Profile;
use clearing_rootfs::{LayerDirectories, PROJECT, Ready, Session};
use clearing_runtime::Sandbox;
use clearing_runtime::spec::{Layer, Mount};

use crate::error::Error;
use crate::host::Host;
use crate::plan::remount;
use crate::workspace::{Workspace, top_of};

/// A layer to come.
pub(super) struct Spare {
    /// What lies below, newest first.
    pub(super) sealed: Vec<PathBuf>,
    pub(super) layer: LayerDirectories,
    pub(super) ready: Ready,
    number: usize,
    /// How it would be shown.
    steps: Vec<Mount>,
}

impl Spare {
    /// The first one that fits.
    pub(super) fn take(spares: &mut Vec<Self>, fits: impl Fn(&Self) -> bool) -> Option<Self> {
        let place = spares.iter().position(fits)?;
        Some(spares.swap_remove(place))
    }
}

/// Whom they are for.
pub(super) struct Around<'a> {
    pub(super) profile: &'a Profile,
    pub(super) host: &'a Host,
    pub(super) workspace: &'a Workspace,
    pub(super) session: &'a Session,
    pub(super) sandbox: &'a Sandbox,
}

/// Makes what is not there yet, and has init mount it. Where that fails it will be made when it is asked for.
pub(super) fn prepare(spares: &mut Vec<Spare>, around: &Around<'_>) {
    let changes = &around.workspace.changes;
    let Layer::Directories { upper, .. } = &changes.layer else { return };
    let beside = changes.sealed.clone();
    let above: Vec<PathBuf> = std::iter::once(upper.clone()).chain(beside.iter().cloned()).collect();
    let wanted = [above, beside];
    let before = spares.len();
    spares.retain(|spare| wanted.contains(&spare.sealed));
    let is_missing = |sealed: &&Vec<PathBuf>| !spares.iter().any(|spare| spare.sealed == **sealed);
    let missing: Vec<_> = wanted.iter().filter(is_missing).collect();
    if missing.is_empty() && before == spares.len() {
        return;
    }
    for sealed in missing {
        let made = make(spares, sealed, around);
        spares.extend(made.ok());
    }
    // An init that is gone is noticed by who waits for the command.
    let _ = around.sandbox.prepare(spares.iter().flat_map(|spare| spare.steps.clone()).collect());
}

/// Removes those that were not used.
pub(super) fn clear(session: &Session) -> Result<(), Error> {
    (0..MOST).try_for_each(|number| Ok(session.clear_ready(number)?))
}

/// So many there are at most.
const MOST: usize = 2;

fn make(spares: &[Spare], sealed: &[PathBuf], around: &Around<'_>) -> Result<Spare, Error> {
    let Around { profile, host, workspace, session, .. } = around;
    let number = (0..MOST).find(|number| spares.iter().all(|spare| spare.number != *number));
    let number = number.ok_or(Error::SandboxEnded)?;
    let ready = session.make_ready(number)?;
    let layer = ready.writable(PROJECT, Some(top_of(host, &workspace.project)))?;
    let mut shown = Workspace::clone(workspace);
    shown.changes.sealed = sealed.to_vec();
    shown.changes.layer = super::layer(layer.clone());
    let steps = remount(profile, &shown, host, &BTreeSet::from([workspace.project.root.clone()]));
    Ok(Spare { sealed: sealed.to_vec(), layer, ready, number, steps })
}
