//! Bytes beyond what memory should hold: a beginning that stays, and an end that goes round.

use std::sync::Arc;

use clearing_profiles::Output;

use super::room::{Bytes, Room};
use super::shelf::{Pages, Shelf};

/// Where some bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Memory {
        at: usize,
        length: usize,
    },
    Head {
        at: u64,
        length: usize,
    },
    /// `at` counts on; on its pages it goes round.
    Tail {
        at: u64,
        length: usize,
    },
}

/// The bytes of one exec.
pub(super) struct Spool {
    room: Arc<Room>,
    /// What the room knows of.
    counted: Bytes,
    /// How much of it is kept.
    most: Output,
    memory: Vec<u8>,
    pages: Pages,
    /// Bytes of the head on its pages.
    head: u64,
    /// The end of the tail.
    tail: u64,
    /// Whether the head takes no more.
    is_full: bool,
}

/// Kept without a page.
const IN_MEMORY: usize = 32 * 1024;

impl Drop for Spool {
    fn drop(&mut self) {
        self.room.change(self.counted, Bytes::default());
    }
}

impl Spool {
    pub(super) fn new(shelf: &Arc<Shelf>, most: Output) -> Self {
        let (room, memory, pages) = (Arc::clone(&shelf.room), Vec::new(), Pages::new(shelf));
        Self { room, counted: Bytes::default(), most, memory, pages, head: 0, tail: 0, is_full: false }
    }

    /// Bytes that are kept.
    pub(super) fn size(&self) -> u64 {
        self.kept().all()
    }

    fn kept(&self) -> Bytes {
        Bytes { memory: self.memory.len() as u64, disk: self.head + self.tail.min(self.most.tail) }
    }

    fn count(&mut self) {
        let now = self.kept();
        self.room.change(self.counted, now);
        self.counted = now;
    }

    /// Keeps bytes at the beginning; none if that is full.
    pub(super) fn keep(&mut self, bytes: &[u8]) -> Option<Place> {
        let length = bytes.len();
        if self.pages.are_none() && self.memory.len() + length <= IN_MEMORY {
            let at = self.memory.len();
            self.memory.extend_from_slice(bytes);
            self.count();
            return Some(Place::Memory { at, length });
        }
        if self.is_full || self.head + length as u64 > self.most.head {
            self.is_full = true;
            return None;
        }
        let at = self.head;
        self.pages.write(bytes, at)?;
        self.head += length as u64;
        self.count();
        Some(Place::Head { at, length })
    }

    /// Whether more bytes can be written without touching the oldest of the tail.
    pub(super) fn has_room_beside(&self, oldest: Place, length: usize) -> bool {
        let Place::Tail { at, .. } = oldest else { return true };
        self.place_of(length) + length as u64 <= at + self.most.tail
    }

    /// Whether they are one after the other wherever they are kept: not where the tail goes round.
    pub(super) fn is_beside(&self, one: Place, next: Place) -> bool {
        let is_at_turn = matches!(next, Place::Tail { at, .. } if at % self.most.tail == 0);
        one.part(one.length(), next.length()) == next && !is_at_turn
    }

    /// Keeps bytes at the end; the oldest were given up before.
    pub(super) fn go_round(&mut self, bytes: &[u8]) -> Option<Place> {
        let (at, length) = (self.place_of(bytes.len()), bytes.len());
        let Output { head, tail } = self.most;
        self.pages.write(bytes, head + at % tail)?;
        self.tail = at + length as u64;
        self.count();
        Some(Place::Tail { at, length })
    }

    pub(super) fn read(&self, place: Place) -> Option<Vec<u8>> {
        let (at, length) = match place {
            Place::Memory { at, length } => return self.memory.get(at..at + length).map(<[u8]>::to_vec),
            Place::Head { at, length } => (at, length),
            Place::Tail { at, length } => (self.most.head + at % self.most.tail, length),
        };
        self.pages.read(at, length)
    }

    /// Where the tail goes on: never across the place where it goes round.
    fn place_of(&self, length: usize) -> u64 {
        let left = self.most.tail - self.tail % self.most.tail;
        if length as u64 <= left { self.tail } else { self.tail + left }
    }
}

impl Place {
    pub(super) fn length(self) -> usize {
        let (Self::Memory { length, .. } | Self::Head { length, .. } | Self::Tail { length, .. }) = self;
        length
    }

    /// So many bytes of it, or from there on.
    pub(super) fn part(self, from: usize, length: usize) -> Self {
        match self {
            Self::Memory { at, .. } => Self::Memory { at: at + from, length },
            Self::Head { at, .. } => Self::Head { at: at + from as u64, length },
            Self::Tail { at, .. } => Self::Tail { at: at + from as u64, length },
        }
    }

    pub(super) fn is_of_tail(self) -> bool {
        matches!(self, Self::Tail { .. })
    }
}
