//! What the service manager hears of the front, and how often: a user's server can change what there is to tell at any
//! pace, and what the manager has not taken yet must never keep a sign of life away from it.

use std::time::{Duration, Instant};

use crate::notify::Manager;

/// How often a status is told at the most.
const TICK: Duration = Duration::from_millis(500);
/// How soon what was not taken is told again.
const AGAIN: Duration = Duration::from_millis(100);

/// The manager, and when it is to hear of us next.
#[derive(Debug)]
pub(super) struct Bulletin {
    manager: Manager,
    /// When it is to hear that we live.
    pulse: Instant,
    /// Until when it hears no status.
    quiet: Instant,
    /// Whether there may be one by then.
    is_behind: bool,
}

impl Bulletin {
    pub(super) fn of(manager: Manager) -> Self {
        let now = Instant::now();
        Self { manager, pulse: now, quiet: now, is_behind: false }
    }

    pub(super) fn manager(&self) -> &Manager {
        &self.manager
    }

    /// Tells what goes on, now or when it is time again.
    pub(super) fn tell(&mut self, line: &str) {
        let now = Instant::now();
        self.is_behind = now < self.quiet || !self.manager.status(line);
        if now >= self.quiet {
            self.quiet = now + TICK;
        }
    }

    /// Says that we live, where it is time.
    pub(super) fn live(&mut self) {
        let now = Instant::now();
        if let Some(every) = self.manager.pulse()
            && now >= self.pulse
        {
            self.pulse = now + if self.manager.lives() { every } else { AGAIN };
        }
    }

    /// When there is something to tell.
    pub(super) fn due(&self) -> Option<Instant> {
        let pulse = self.manager.pulse().map(|_| self.pulse);
        pulse.into_iter().chain(self.is_behind.then_some(self.quiet)).min()
    }
}
