//! Sessions are mostly idle, and there may be many: what their work took of memory is given back when they rest.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// As many heaps as threads work at a time, more or less; what lies unused lies in each of them.
const HEAPS: i32 = 4;
/// After so long without anything to do a session rests.
const PAUSE: Duration = Duration::from_secs(1);

/// Before there is another thread.
pub(super) fn share_heaps() {
    clearing_runtime::share_heaps(HEAPS);
}

/// When one session will rest.
#[derive(Default)]
pub(super) struct Rest {
    worked: Option<Instant>,
}

impl Rest {
    /// There was something to do.
    pub(super) fn put_off(&mut self) {
        self.worked = Some(Instant::now());
    }

    /// When it will have done nothing for so long, if it has done something.
    pub(super) fn due(&self) -> Option<Instant> {
        self.worked?.checked_add(PAUSE)
    }

    /// Gives back what is not used any more, when it is time, unless somebody has since it worked.
    pub(super) fn begin(&mut self) {
        /// When it was done last: the heap is everybody's.
        static LAST: Mutex<Option<Instant>> = Mutex::new(None);
        if self.due().is_none_or(|due| due > Instant::now()) {
            return;
        }
        let worked = self.worked.take();
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if *last <= worked {
            *last = Some(Instant::now());
            give_back();
        }
    }
}

/// Gives back what is not used any more.
pub(super) fn give_back() {
    clearing_runtime::trim_heap();
}
