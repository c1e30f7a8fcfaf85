//! What init tells the supervisor, and when: that a command runs may wait for its end, where that is soon.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use super::Server;
use crate::channel::{Report, frame};

/// Reports that are held back, as bytes.
pub(super) struct Held {
    frames: Vec<u8>,
    since: Instant,
}

/// So long they are: most commands that end at once have ended by then, and nobody misses it before.
const LONGEST: Duration = Duration::from_millis(1);

impl Server<'_> {
    /// Before anything else that is reported.
    pub(super) fn report_standing(&mut self) {
        let Some(standing) = self.standing.take() else { return };
        let (shown, descriptors) = standing.kept.shown();
        self.report(&Report::Ready { guards: standing.guards, shown }, &descriptors);
    }

    pub(super) fn report(&mut self, report: &Report, descriptors: &[BorrowedFd<'_>]) {
        self.report_standing();
        if !descriptors.is_empty() {
            self.tell_held();
        }
        let mut frames = self.held.take().map(|held| held.frames).unwrap_or_default();
        frames.extend(frame(report).unwrap_or_default());
        // A supervisor that is gone is noticed as a hang-up.
        let _ = self.supervisor.send_frames(&frames, descriptors);
    }

    /// The same a little later, with what is reported next if anything is: the supervisor wakes once.
    pub(super) fn report_later(&mut self, report: &Report) {
        let held = self.held.get_or_insert_with(|| Held { frames: Vec::new(), since: Instant::now() });
        held.frames.extend(frame(report).unwrap_or_default());
    }

    pub(super) fn tell_held(&mut self) {
        if let Some(held) = self.held.take() {
            let _ = self.supervisor.send_frames(&held.frames, &[]);
        }
    }

    /// How long what is held back may wait.
    pub(super) fn held_is_due(&self) -> Option<Duration> {
        self.held.as_ref().map(|held| LONGEST.saturating_sub(held.since.elapsed()))
    }
}
