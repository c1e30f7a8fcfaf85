//! How much output all execs of a server keep, and how much of it on its disk.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::protocol::Fault;

/// Where output goes that is not kept in memory, and how much of it there may be.
pub(crate) struct Room {
    pub(super) directory: Arc<Path>,
    most: u64,
    memory: AtomicU64,
    disk: AtomicU64,
}

/// Bytes of output that are kept.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bytes {
    pub(super) memory: u64,
    pub(super) disk: u64,
}

impl Room {
    pub(crate) fn new(directory: &Arc<Path>, most: u64) -> Arc<Self> {
        let directory = Arc::clone(directory);
        Arc::new(Self { directory, most, memory: AtomicU64::new(0), disk: AtomicU64::new(0) })
    }

    /// Refuses one exec more where there is none left. What runs already goes on, each to its own bound.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let used = self.kept().disk;
        if used < self.most {
            return Ok(());
        }
        let why = format!("{used} bytes of output are kept on the disk of this server");
        let hint = "`session/destroy` what is not needed, or begin the server with a greater `--max-spool`";
        Err(Fault::refused("CLR-SPOOL-FULL", why).with_hint(hint))
    }

    /// What all execs keep.
    pub(crate) fn kept(&self) -> Bytes {
        Bytes { memory: self.memory.load(Ordering::Relaxed), disk: self.disk.load(Ordering::Relaxed) }
    }

    /// An exec keeps so much now, in place of what it kept.
    pub(super) fn change(&self, before: Bytes, now: Bytes) {
        // Each takes away only what it has added.
        self.memory.fetch_add(now.memory.wrapping_sub(before.memory), Ordering::Relaxed);
        self.disk.fetch_add(now.disk.wrapping_sub(before.disk), Ordering::Relaxed);
    }
}

impl Bytes {
    /// Wherever they are.
    pub(crate) fn all(self) -> u64 {
        self.memory + self.disk
    }
}
