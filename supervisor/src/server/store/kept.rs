//! What is kept of what an exec has said.

use std::sync::Arc;

use super::spool::Place;
use super::stretch::{Piece, Stretch};
use super::{Counts, Told};

/// An event, or several of output.
pub(super) struct Event {
    /// Of the first of them.
    pub(super) seq: u64,
    /// Bytes that came before it.
    pub(super) before: Counts,
    pub(super) what: Kept,
}

pub(super) enum Kept {
    Output(Stretch),
    Told(Arc<Told>),
}

impl Event {
    /// The number of the last of them.
    pub(super) fn last(&self) -> u64 {
        match &self.what {
            Kept::Output(stretch) => self.seq + stretch.count() - 1,
            Kept::Told(_) => self.seq,
        }
    }

    /// The pieces with their numbers, and the bytes up to each and with it.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (u64, Counts, Piece, Place)> {
        let (stretch, mut passed) = (self.stretch(), self.before);
        let pieces = stretch.into_iter().flat_map(Stretch::pieces);
        (self.seq..).zip(pieces).map(move |(seq, (piece, place))| {
            passed[piece.stream as usize] += piece.length as u64;
            (seq, passed, piece, place)
        })
    }

    /// The bytes up to one of them and with it.
    pub(super) fn up_to(&self, seq: u64) -> Counts {
        let known = self.pieces().take_while(|(number, ..)| *number <= seq).last();
        known.map_or(self.before, |(_, passed, ..)| passed)
    }

    fn stretch(&self) -> Option<&Stretch> {
        match &self.what {
            Kept::Output(stretch) => Some(stretch),
            Kept::Told(_) => None,
        }
    }
}
