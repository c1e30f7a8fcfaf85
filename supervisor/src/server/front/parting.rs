//! Connections that have had their only answer: they stay open for a moment, since a client that sees a hang-up first
//! reads nothing.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How long one is kept.
const KEPT: Duration = Duration::from_secs(1);
/// So many are, and the oldest make way.
const MOST: usize = 64;

/// Those that are kept, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Parting(RefCell<VecDeque<(Instant, UnixStream)>>);

impl Parting {
    /// Nothing more is written to it.
    pub(super) fn keep(&self, connection: UnixStream) {
        if connection.shutdown(Shutdown::Write).is_err() {
            return;
        }
        let mut kept = self.0.borrow_mut();
        if kept.len() >= MOST {
            kept.pop_front();
        }
        kept.push_back((Instant::now() + KEPT, connection));
    }

    /// Hangs up where it is time.
    pub(super) fn turn(&self) {
        let now = Instant::now();
        self.0.borrow_mut().retain(|(until, _)| *until > now);
    }

    /// When it is to have its turn.
    pub(super) fn due(&self) -> Option<Instant> {
        self.0.borrow().front().map(|(until, _)| *until)
    }
}
