//! Who has which share of the pool's places.

use super::Place;
use crate::live::Parking;

/// What is parked, and for whom more is to be.
#[derive(Default)]
pub(super) struct State {
    /// What was asked for, last first.
    pub(super) wanted: Vec<Parking>,
    pub(super) parked: Vec<Place>,
    /// The end has come.
    pub(super) is_over: bool,
}

impl State {
    pub(super) fn remember(&mut self, parking: Parking, most: usize) {
        self.wanted.retain(|wanted| *wanted != parking);
        self.wanted.insert(0, parking);
        self.wanted.truncate(most);
    }

    /// How many are to be parked for each, the ones asked for last first.
    fn shares(&self, most: usize) -> impl Iterator<Item = (&Parking, usize)> {
        let number = self.wanted.len().max(1);
        let share = move |at: usize| most / number + usize::from(at < most % number);
        self.wanted.iter().enumerate().map(move |(at, parking)| (parking, share(at)))
    }

    fn parked_for(&self, parking: &Parking) -> usize {
        self.parked.iter().filter(|place| place.parking == *parking).count()
    }

    /// What the next one is to be made for.
    pub(super) fn missing(&self, most: usize) -> Option<Parking> {
        let mut shares = self.shares(most);
        shares.find(|(parking, share)| self.parked_for(parking) < *share).map(|(parking, _)| parking.clone())
    }

    /// Ends what others are to have the place of.
    pub(super) fn end_superfluous(&mut self, most: usize) {
        let shares: Vec<_> = self.shares(most).map(|(parking, share)| (parking.clone(), share)).collect();
        let share =
            |parking: &Parking| shares.iter().find(|(of, _)| of == parking).map_or(0, |(_, share)| *share);
        let mut kept: Vec<Place> = Vec::new();
        for place in std::mem::take(&mut self.parked) {
            let before = kept.iter().filter(|other| other.parking == place.parking).count();
            if before < share(&place.parking) {
                kept.push(place);
            }
        }
        self.parked = kept;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::super::Slot;
    use super::*;

    fn parking(directory: &str) -> Parking {
        Parking { directory: directory.into(), profile: "default".to_owned() }
    }

    fn place(directory: &str) -> Place {
        Place { parking: parking(directory), parked: Slot::default(), thread: channel().0 }
    }

    fn parked(state: &State) -> Vec<&str> {
        let names = state.parked.iter().map(|place| place.parking.directory.to_str());
        names.map(Option::unwrap_or_default).collect()
    }

    #[test]
    fn places_are_shared_by_what_was_asked_for_last() {
        let mut state = State::default();
        assert_eq!(state.missing(3), None);
        for directory in ["/a", "/b", "/a"] {
            state.remember(parking(directory), 3);
        }
        let shares: Vec<_> = state.shares(3).map(|(parking, share)| (parking.clone(), share)).collect();
        assert_eq!(shares, [(parking("/a"), 2), (parking("/b"), 1)]);
        state.parked = vec![place("/b"), place("/b"), place("/a"), place("/c")];
        state.end_superfluous(3);
        assert_eq!(parked(&state), ["/b", "/a"]);
        assert_eq!(state.missing(3), Some(parking("/a")));
        state.parked.push(place("/a"));
        assert_eq!(state.missing(3), None);
    }

    #[test]
    fn no_more_is_remembered_than_there_are_places() {
        let mut state = State::default();
        for directory in ["/a", "/b", "/c"] {
            state.remember(parking(directory), 2);
        }
        assert_eq!(state.wanted, [parking("/c"), parking("/b")]);
        assert_eq!(state.shares(0).map(|(_, share)| share).sum::<usize>(), 0);
    }
}
