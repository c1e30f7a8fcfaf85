//! While a patch is being applied nothing else begins in the session: with a patch that fails all is taken back that
//! was written since it began, whoever wrote it.

use super::{Conductor, Leaving};
use crate::server::handle::Order;

/// What waits for the end of a patch, in the order in which it was asked for; none where no patch is being applied.
#[derive(Default)]
pub(super) struct Patching(Option<Vec<Order>>);

impl Conductor {
    /// Does it once no patch is being applied.
    pub(crate) fn when_whole(&mut self, act: impl FnOnce(&mut Self) + Send + 'static) {
        match &mut self.patching.0 {
            Some(waiting) => waiting.push(Box::new(act)),
            None => act(self),
        }
    }

    /// From now on a patch is being applied.
    pub(crate) fn patch_begins(&mut self) {
        self.patching.0 = Some(Vec::new());
    }

    /// It is whole, or was taken back.
    pub(crate) fn patch_has_ended(&mut self) {
        let waiting = self.patching.0.take().unwrap_or_default();
        // Dropped, each is answered: nothing begins in a session that is given up.
        if self.leaving < Leaving::Now {
            waiting.into_iter().for_each(|act| self.when_whole(act));
        }
    }
}
