//! How many sessions a server holds at most, and what their clients may have it remember.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::protocol::{Fault, MOST_LABELS};

/// So many bytes have the labels of a session in all.
const LONGEST_LABELS: usize = 16 * 1024;

/// The places for sessions.
pub(crate) struct Seats {
    most: usize,
    taken: AtomicUsize,
}

/// The place of one session, until it is dropped.
pub(super) struct Seat(Arc<Seats>);

impl Seats {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: AtomicUsize::new(0) })
    }

    pub(super) fn take(self: &Arc<Self>) -> Result<Seat, Fault> {
        let one_more = |taken: usize| (taken < self.most).then_some(taken + 1);
        match self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(_) => Ok(Seat(Arc::clone(self))),
            Err(taken) => {
                let fault =
                    Fault::refused("CLR-TOO-MANY-SESSIONS", format!("{taken} sessions are held here"));
                Err(fault
                    .with_hint("`session/destroy` one, or begin the server with a greater `--max-sessions`"))
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Refuses labels that would take too much of the server's memory.
pub(super) fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), Fault> {
    let bytes: usize = labels.iter().map(|(name, value)| name.len() + value.len()).sum();
    if labels.len() <= MOST_LABELS && bytes <= LONGEST_LABELS {
        return Ok(());
    }
    let why = format!("`labels`: {MOST_LABELS} are kept, of {LONGEST_LABELS} bytes in all");
    Err(Fault::refused("CLR-LABELS", why))
}
