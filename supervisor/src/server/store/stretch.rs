//! Pieces of output that lie beside each other. Of who writes byte by byte there are many, and what is known of each is
//! little more than that byte.

use super::spool::Place;
use crate::protocol::StreamName;

/// Pieces whose numbers follow each other.
pub(super) struct Stretch {
    /// Of all of them.
    place: Place,
    /// How long each is but the last one, and of which stream: a number of seven bits a byte, the lowest first.
    earlier: Vec<u8>,
    count: u64,
    last: Piece,
}

/// One piece.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) stream: StreamName,
    pub(super) length: usize,
}

/// So many bytes come in one event, or are looked through for one, unless they were said at once.
const LONGEST: u64 = 64 * 1024;
/// So many pieces are looked through for one.
const MOST_PIECES: u64 = 256;

impl Stretch {
    pub(super) fn new(stream: StreamName, place: Place) -> Self {
        let last = Piece { stream, length: place.length() };
        Self { place, earlier: Vec::new(), count: 1, last }
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// How many pieces there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Whether it may have so many bytes more.
    pub(super) fn has_room(&self, length: usize) -> bool {
        self.count < MOST_PIECES && (self.place.length() + length) as u64 <= LONGEST
    }

    /// Adds what lies beside it to the last piece; false where that is of another stream.
    pub(super) fn lengthen(&mut self, stream: StreamName, length: usize) -> bool {
        let is_same = self.last.stream == stream;
        if is_same {
            self.last.length += length;
            self.place = self.place.part(0, self.place.length() + length);
        }
        is_same
    }

    /// Adds what lies beside it as one piece more.
    pub(super) fn add(&mut self, stream: StreamName, length: usize) {
        let Piece { stream: before, length: known } =
            std::mem::replace(&mut self.last, Piece { stream, length });
        let mut number = known << 1 | before as usize;
        while number > 0x7f {
            self.earlier.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.earlier.push(number as u8);
        self.place = self.place.part(0, self.place.length() + length);
        self.count += 1;
    }

    /// All pieces, with where they are.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (Piece, Place)> {
        let mut bytes = self.earlier.iter();
        let earlier = std::iter::from_fn(move || {
            let (mut number, mut shift) = (0, 0);
            loop {
                let byte = *bytes.next()?;
                number |= usize::from(byte & 0x7f) << shift;
                if byte & 0x80 == 0 {
                    return Some(Piece { stream: stream_of(number & 1), length: number >> 1 });
                }
                shift += 7;
            }
        });
        let mut from = 0;
        earlier.chain([self.last]).map(move |piece| {
            let place = self.place.part(from, piece.length);
            from += piece.length;
            (piece, place)
        })
    }
}

fn stream_of(number: usize) -> StreamName {
    if number == StreamName::Stdout as usize { StreamName::Stdout } else { StreamName::Stderr }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_out_as_they_went_in() {
        let lengths = [1, 0x3f, 0x40, 0x1fff, 0x2000, 7, 30_000];
        let stream = |at: usize| stream_of(at % 2);
        let mut stretch = Stretch::new(stream(0), Place::Memory { at: 5, length: lengths[0] });
        for (at, length) in lengths.iter().enumerate().skip(1) {
            assert!(stretch.has_room(*length));
            stretch.add(stream(at), *length);
        }
        assert!(!stretch.lengthen(stream(1), 3) && stretch.lengthen(stream(6), 3));
        let mut from = 5;
        for (at, (piece, place)) in stretch.pieces().enumerate() {
            let length = lengths[at] + if at == 6 { 3 } else { 0 };
            assert_eq!((piece.stream, piece.length), (stream(at), length));
            assert_eq!(place, Place::Memory { at: from, length });
            from += length;
        }
        assert_eq!((stretch.count(), stretch.place().length()), (7, from - 5));
        assert!(!stretch.has_room(30_000));
    }
}
