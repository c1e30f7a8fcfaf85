//! How many bytes had been said up to events that are gone: who goes on after one of them hears of each byte that it
//! missed, and of none twice.

use std::collections::{BTreeMap, VecDeque};

use super::Counts;

/// What is known of such events.
#[derive(Default)]
pub(super) struct Passed {
    /// Up to what was dropped, and with it.
    gone: BTreeMap<u64, Counts>,
    /// Where readers stopped, the last of them last.
    left: VecDeque<(u64, Counts)>,
}

/// So many that are gone are known; of the oldest ever fewer.
const MOST_GONE: usize = 16 * 1024;
/// So many readers go on from where they stopped, however much was said meanwhile.
const MOST_LEFT: usize = 1024;

impl Passed {
    /// An event is gone.
    pub(super) fn dropped(&mut self, seq: u64, counts: Counts) {
        self.gone.insert(seq, counts);
        if self.gone.len() > MOST_GONE {
            let mut number = 0;
            self.gone.retain(|_, _| {
                number += 1;
                number > MOST_GONE / 2 || number % 2 == 0
            });
        }
    }

    /// A reader stops after an event.
    pub(super) fn left(&mut self, seq: u64, counts: Counts) {
        self.left.retain(|(known, _)| *known != seq);
        while self.left.len() >= MOST_LEFT {
            self.left.pop_front();
        }
        self.left.push_back((seq, counts));
    }

    /// The last event up to this one that is known.
    pub(super) fn by(&self, seq: u64) -> Option<(u64, Counts)> {
        let gone = self.gone.range(..=seq).next_back().map(|(seq, counts)| (*seq, *counts));
        let left = self.left.iter().copied().filter(|(known, _)| *known <= seq);
        left.chain(gone).max_by_key(|(seq, _)| *seq)
    }
}
