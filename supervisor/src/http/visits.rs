//! What the first thread of the process has for the one that serves HTTP.

use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};

/// Something of the first thread's.
pub(super) enum Visit {
    /// A client that somebody else has accepted.
    Connection(UnixStream),
    /// Whether all is well.
    Knock,
}

/// Whether somebody has answered since it was rung last.
#[derive(Default)]
pub(super) struct Bell(AtomicBool);

impl Bell {
    pub(super) fn knock(&self) {
        self.0.store(false, Ordering::Release);
    }

    pub(super) fn answer(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(super) fn has_answered(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
