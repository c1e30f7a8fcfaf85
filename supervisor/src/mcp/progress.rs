//! How far a call is, for a caller who wants to hear of it.

use std::time::{Duration, Instant};

use super::output::Stream;
use crate::server::{Cursor, Follower, Next};

/// What is heard of one call.
pub(super) struct Progress {
    begun: Instant,
    told: Instant,
    cursor: Cursor,
}

/// After so long without a word it is told that the call goes on.
const SILENCE: Duration = Duration::from_secs(2);
/// About so many bytes of what was said are told at a time.
const MOST: u64 = 1 << 10;

impl Progress {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { begun: now, told: now, cursor: Cursor::default() }
    }

    /// Seconds since the call began, which never become fewer, and what the command said since this was last asked, or
    /// that it still runs; none where there is nothing to tell.
    pub(super) fn news(&mut self, follower: &Follower) -> Option<(f64, String)> {
        let said = self.said(follower);
        let message = match said.trim_end() {
            "" if self.told.elapsed() < SILENCE => return None,
            "" => format!("running for {} s", self.begun.elapsed().as_secs()),
            said => said.to_owned(),
        };
        self.told = Instant::now();
        Some((self.begun.elapsed().as_secs_f64(), message))
    }

    fn said(&mut self, follower: &Follower) -> String {
        let mut stream = Stream::of(MOST);
        let Some(store) = follower.store() else { return String::new() };
        // What is said meanwhile is told the next time.
        let last = store.last();
        while self.cursor.seq < last {
            match store.next(&mut self.cursor) {
                Next::Output { bytes, .. } => stream.push(&bytes),
                Next::Dropped { bytes, .. } => stream.skip(bytes.bytes()),
                Next::Told { .. } | Next::Wait | Next::End => {}
            }
        }
        stream.text()
    }
}
