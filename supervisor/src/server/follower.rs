//! How a door of this process hears what an exec says, while it runs or at its end, without asking for it.

use std::sync::{Arc, OnceLock};

use super::store::Store;

/// Hears of the exec that one call starts.
#[derive(Default)]
pub(crate) struct Follower(OnceLock<Arc<Store>>);

impl Follower {
    /// The exec is about to begin, and this is where it says everything.
    pub(super) fn follow(&self, store: &Arc<Store>) {
        // One call starts one.
        let _ = self.0.set(Arc::clone(store));
    }

    /// What it says; none of one that never began.
    pub(crate) fn store(&self) -> Option<&Arc<Store>> {
        self.0.get()
    }
}
