//! Walks over what is written on disk, a little at a time: a tree of any size keeps neither a deadline nor a
//! signal waiting.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use clearing_rootfs::{Survey, Written};

use super::inside::Inside;
use crate::place::Place;

/// A walk takes one part in so many of the time.
const SHARE: u32 = 20;
/// Walks are no closer than this.
const SHORTEST: Duration = Duration::from_millis(5);
/// Nor further apart, or a command that makes them slow could write what it likes in between; but for the
/// rest that each of them is followed by.
const LONGEST: Duration = Duration::from_secs(5);
/// How long a walk goes on before others have their turn.
const TURN: Duration = Duration::from_millis(20);
/// And how soon it goes on after that.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// The last walk, and the one that is under way.
#[derive(Default)]
pub(super) struct Walk {
    /// What the last one found.
    pub(super) written: Written,
    /// Bytes of files that are open and have no name any more.
    pub(super) unlinked: u64,
    due: Option<Instant>,
    surveys: Vec<(Survey, Written)>,
    /// What those that are done have found.
    found: Written,
    /// Asked to look where we are shut out, with what we saw ourselves.
    inside: Option<(Inside, Written)>,
    /// What the walk that is under way took so far.
    took: Duration,
    /// What the last turn took.
    pub(super) turn: Duration,
    at_once: bool,
}

impl Walk {
    /// Begins a walk if it is time to, and goes on with the one that is under way.
    pub(super) fn go_on(&mut self, place: &Place, procfs: Option<&OwnedFd>) {
        let now = Instant::now();
        self.turn = Duration::ZERO;
        if !self.is_under_way() {
            if self.due.is_some_and(|due| due > now) {
                return;
            }
            (self.surveys, self.found, self.took) = (place.surveys(), Written::default(), Duration::ZERO);
        }
        let found = self.find(place, procfs, now);
        self.turn = now.elapsed();
        self.took += self.turn;
        if let Some(written) = found {
            self.written = written;
            self.due = Some(Instant::now() + pause(self.took));
        }
    }

    /// Whether there is more to be looked at, soon.
    pub(super) fn is_under_way(&self) -> bool {
        !self.surveys.is_empty() || self.inside.is_some()
    }

    /// The next walk is at once, and whole.
    pub(super) fn do_all_at_once(&mut self) {
        self.surveys.clear();
        (self.due, self.at_once) = (None, true);
    }

    fn find(&mut self, place: &Place, procfs: Option<&OwnedFd>, now: Instant) -> Option<Written> {
        if !self.surveys.is_empty() {
            let until = if self.at_once { now + Duration::from_hours(1) } else { now + TURN };
            while let Some((survey, before)) = self.surveys.last_mut() {
                let Some(written) = survey.go_on(until) else {
                    // A limit that half of the tree passes need not wait for the rest.
                    let bytes = survey.so_far().bytes.saturating_sub(before.bytes);
                    let inodes = survey.so_far().inodes.saturating_sub(before.inodes);
                    self.written.bytes = self.written.bytes.max(self.found.bytes + bytes);
                    self.written.inodes = self.written.inodes.max(self.found.inodes + inodes);
                    return None;
                };
                self.found.bytes += written.bytes.saturating_sub(before.bytes);
                self.found.inodes += written.inodes.saturating_sub(before.inodes);
                self.found.unread += written.unread;
                self.surveys.pop();
            }
            let written = self.found;
            let shut_out = procfs.filter(|_| written.unread > 0);
            let Some(inside) = shut_out.and_then(|procfs| Inside::ask(procfs, place)) else {
                return Some(written);
            };
            self.inside = Some((inside, written));
        }
        let (inside, _) = self.inside.as_ref()?;
        if !self.at_once && !inside.has_answered() {
            return None;
        }
        let (inside, own) = self.inside.take()?;
        Some(inside.answer().unwrap_or(own))
    }
}

/// How long nobody walks after a walk that took so long. Half of the time passes while it is under way, so this
/// leaves it a fifth of one processor at most.
fn pause(took: Duration) -> Duration {
    (took * SHARE).clamp(SHORTEST, LONGEST).max(took * 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_never_take_more_than_a_fifth_of_a_processor() {
        assert_eq!(pause(Duration::ZERO), SHORTEST);
        for took in [1, 100, 260, 1600, 1700, 60_000].map(Duration::from_millis) {
            let turns = u32::try_from(took.as_millis() / TURN.as_millis()).expect("few");
            let passed = took + PAUSE * turns + pause(took);
            assert!(took * 5 <= passed + TURN * 2, "{took:?} of {passed:?}");
        }
    }
}
