//! Whether somebody takes what was written, as slowly as may be.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use clearing_runtime::untaken;

/// How long nothing was taken of what waits in a socket, from when somebody looks at it first.
#[derive(Default)]
pub(super) struct Standstill(Option<(Instant, u64)>);

impl Standstill {
    /// Looks once more. A little that is taken counts, even where it makes no room for a write.
    pub(super) fn lasts_less_than(&mut self, patience: Duration, socket: &impl AsFd) -> bool {
        let (now, left) = (Instant::now(), untaken(socket).unwrap_or_default());
        match self.0 {
            Some((since, before)) if left >= before => now.duration_since(since) < patience,
            _ => {
                self.0 = Some((now, left));
                true
            }
        }
    }
}
