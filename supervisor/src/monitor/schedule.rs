//! When to look again: often near a limit, seldom far from it, and never so often that it costs.

use std::time::Duration;

/// The most that a command takes of memory or disk meanwhile, in bytes a second.
const RATE: u64 = 4 << 30;
/// Looking oftener than this helps nobody.
const SHORTEST: Duration = Duration::from_millis(1);
/// The longest that nobody looks, once a command has run for a while.
const LONGEST: Duration = Duration::from_secs(1);
/// The first look at a command that is far from every limit.
const FIRST: Duration = Duration::from_millis(50);
/// Of the time, one part in so many may be spent on looking. A command that makes looking slow is looked at
/// more than that, and never without a [`rest`].
const SHARE: u32 = 20;
/// After a look nobody looks for so many times as long as it took.
const REST: u32 = 4;

/// How long to wait before the next look.
pub(super) struct Interval {
    /// Doubled at every look, until it is the longest.
    usual: Duration,
}

impl Interval {
    pub(super) fn new() -> Self {
        Self { usual: FIRST }
    }

    /// After a look that took `cost`, with so many bytes and so much processor time left to a limit.
    pub(super) fn next(&mut self, cost: Duration, bytes: Option<u64>, cpu: Option<Duration>) -> Duration {
        let usual = self.usual;
        self.usual = (usual * 2).min(LONGEST);
        let room = bytes.map(|bytes| Duration::from_micros(bytes / (RATE / 1_000_000)));
        [room, cpu]
            .into_iter()
            .flatten()
            .fold(usual, Duration::min)
            .max((cost * SHARE).min(LONGEST))
            .max(SHORTEST)
    }
}

/// The least time from the end of a look that took `cost` to the next, whatever happens meanwhile: looking
/// takes a fifth of one processor at most.
pub(super) fn rest(cost: Duration) -> Duration {
    cost * REST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_never_takes_more_than_a_fifth_of_a_processor() {
        for cost in [1, 49, 50, 51, 300, 20_000].map(Duration::from_millis) {
            let mut interval = Interval::new();
            let (mut looked, mut passed) = (Duration::ZERO, Duration::ZERO);
            for _ in 0..100 {
                looked += cost;
                passed += cost + interval.next(cost, Some(0), Some(Duration::ZERO)).max(rest(cost));
            }
            assert!(looked * 5 <= passed, "{looked:?} of {passed:?}");
        }
    }

    #[test]
    fn the_nearer_a_limit_the_sooner_is_the_next_look() {
        let next = |bytes| Interval::new().next(Duration::ZERO, Some(bytes), None);
        assert_eq!(next(8 << 30), FIRST);
        assert!((14..17).contains(&next(64 << 20).as_millis()), "{:?}", next(64 << 20));
        assert_eq!(next(0), SHORTEST);
        assert_eq!(Interval::new().next(Duration::ZERO, None, Some(SHORTEST)), SHORTEST);
    }

    #[test]
    fn looking_takes_a_twentieth_of_the_time_at_most() {
        assert_eq!(Interval::new().next(Duration::from_millis(5), Some(0), None), Duration::from_millis(100));
    }

    #[test]
    fn a_command_that_makes_looking_slow_is_not_left_alone_for_long() {
        assert_eq!(Interval::new().next(Duration::from_secs(5), Some(0), None), LONGEST);
    }

    #[test]
    fn far_from_every_limit_the_looks_grow_seldom() {
        let mut interval = Interval::new();
        let waits: Vec<u128> =
            (0..7).map(|_| interval.next(Duration::ZERO, None, None).as_millis()).collect();
        assert_eq!(waits, [50, 100, 200, 400, 800, 1000, 1000]);
    }
}
