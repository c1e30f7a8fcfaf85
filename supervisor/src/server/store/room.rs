//! How much output all execs of a server keep on its disk.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::protocol::Fault;

/// Where output goes that is not kept in memory, and how much of it there may be.
pub(crate) struct Room {
    pub(super) directory: Arc<Path>,
    most: u64,
    used: AtomicU64,
}

impl Room {
    pub(crate) fn new(directory: &Arc<Path>, most: u64) -> Arc<Self> {
        Arc::new(Self { directory: Arc::clone(directory), most, used: AtomicU64::new(0) })
    }

    /// Refuses one exec more where there is none left. What runs already goes on, each to its own bound.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let used = self.used.load(Ordering::Relaxed);
        if used < self.most {
            return Ok(());
        }
        let why = format!("{used} bytes of output are kept on the disk of this server");
        let hint = "`session/destroy` what is not needed, or begin the server with a greater `--max-spool`";
        Err(Fault::refused("CLR-SPOOL-FULL", why).with_hint(hint))
    }

    /// An exec has so much now, in place of what it had.
    pub(super) fn change(&self, before: u64, now: u64) {
        // Each takes away only what it has added.
        self.used.fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
    }
}
