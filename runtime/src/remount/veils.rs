//! What the overlays of a living sandbox do not show, where that has become something else.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use super::Living;
use crate::error::{AtStage as _, Failure, Stage};
use crate::mounts::describe;
use crate::spec::Mount;
use crate::stash::Stash;
use crate::veil::Veil;

/// The layer that the overlay at a target does not show, in its place in the stash.
pub(crate) struct Laid {
    target: PathBuf,
    layer: OwnedFd,
    place: String,
}

impl Laid {
    /// Makes it.
    pub(crate) fn by(veil: &Veil, stash: &mut Stash) -> io::Result<Self> {
        let layer = veil.lay()?;
        let place = stash.take(&layer)?;
        Ok(Self { target: veil.target.clone(), layer, place })
    }

    /// What is mounted.
    pub(crate) fn layer(&self) -> BorrowedFd<'_> {
        self.layer.as_fd()
    }
}

/// The one for the overlay at `target`: the newest.
pub(super) fn at<'a>(veils: impl Iterator<Item = &'a Laid>, target: &Path) -> Option<BorrowedFd<'a>> {
    veils.filter(|laid| laid.target == target).last().map(Laid::layer)
}

impl Living {
    /// Lays those that are asked for. No overlay that is ready for such a target is of use any more.
    pub(super) fn lay_veils(&mut self, steps: &[Mount]) -> Result<Vec<Laid>, Failure> {
        let mut laid = Vec::new();
        for step in steps {
            let Mount::Veil { target, paths, directories } = step else { continue };
            let unwanted = self.ready.extract_if(.., |waiting| waiting.mount.0 == *target);
            self.held.extend(unwanted.map(|waiting| waiting.mount.1));
            let (target, paths, directories) = (target.clone(), paths.clone(), directories.clone());
            let veil = Veil { target, paths, directories };
            match Laid::by(&veil, &mut self.stash).at(Stage::Mounts, || describe(step)) {
                Ok(one) => laid.push(one),
                Err(failure) => {
                    self.take_away(laid);
                    return Err(failure);
                }
            }
        }
        Ok(laid)
    }

    /// From now on new overlays are made with these.
    pub(super) fn go_on_with(&mut self, laid: Vec<Laid>) {
        let is_replaced = |old: &mut Laid| laid.iter().any(|new| new.target == old.target);
        let old = self.veils.extract_if(.., is_replaced).collect();
        self.veils.extend(laid);
        self.take_away(old);
    }

    /// Has them unmounted with all else that was replaced.
    pub(super) fn take_away(&mut self, laid: Vec<Laid>) {
        for Laid { layer, place, .. } in laid {
            self.held.push(layer);
            self.old.push(place);
        }
    }
}
