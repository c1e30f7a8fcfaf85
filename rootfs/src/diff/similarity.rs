//! How much of one file is in another: both are cut into lines, and those that both have are weighed.

use std::hash::{DefaultHasher, Hasher as _};
use std::path::Path;

use super::Side;
use super::content::read_side;
use crate::stack::Stack;
use crate::walk::WalkError;

/// Larger files are renamed only where every byte is the same.
pub(super) const LARGEST: u64 = 1024 * 1024;

/// A longer line is cut into pieces, so that files without lines can be compared too. As git does.
const PIECE: usize = 64;

/// The pieces of a file by their hashes, in order, each with the bytes that it has in all places together.
pub(super) struct Fingerprint {
    pieces: Vec<(u64, u64)>,
    size: u64,
}

impl Fingerprint {
    pub(super) fn read(stack: &Stack, path: &Path, side: &Side) -> Result<Self, WalkError> {
        let mut content = Vec::new();
        read_side(stack, path, side, &mut |block| content.extend_from_slice(block))?;
        Ok(Self::of(&content))
    }

    fn of(content: &[u8]) -> Self {
        let lines = content.split_inclusive(|&byte| byte == b'\n');
        let hashed = |piece: &[u8]| {
            let mut hasher = DefaultHasher::new();
            hasher.write(piece);
            (hasher.finish(), piece.len() as u64)
        };
        let mut pieces: Vec<_> = lines.flat_map(|line| line.chunks(PIECE)).map(hashed).collect();
        pieces.sort_unstable();
        pieces.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        Self { pieces, size: content.len() as u64 }
    }

    /// How much work a comparison is.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Whether the sizes leave it possible.
    pub(super) fn may_be_alike(&self, other: &Self, percent: u8) -> bool {
        let (small, large) = (self.size.min(other.size), self.size.max(other.size));
        small * 100 >= large * u64::from(percent)
    }

    /// The bytes that both have, in percent of the larger one.
    pub(super) fn similarity(&self, other: &Self) -> u8 {
        let (mut mine, mut others) = (self.pieces.iter().peekable(), other.pieces.iter().peekable());
        let mut common = 0;
        while let (Some(one), Some(two)) = (mine.peek(), others.peek()) {
            match one.0.cmp(&two.0) {
                std::cmp::Ordering::Less => drop(mine.next()),
                std::cmp::Ordering::Greater => drop(others.next()),
                std::cmp::Ordering::Equal => {
                    common += one.1.min(two.1);
                    mine.next();
                    others.next();
                }
            }
        }
        // 100 is said of the same bytes alone.
        (common * 100 / self.size.max(other.size).max(1)).min(99) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_is_the_part_of_the_larger_file_that_both_have() {
        let similarity = |one: &[u8], two: &[u8]| Fingerprint::of(one).similarity(&Fingerprint::of(two));
        assert_eq!(similarity(b"one\ntwo\n", b"one\ntwo\n"), 99);
        assert_eq!(similarity(b"aaa\nbbb\n", b"bbb\nccc\n"), 50);
        assert_eq!(similarity(b"aaa\n", b"bbb\n"), 0);
        assert_eq!(similarity(b"a\na\na\na\n", b"a\n"), 25);
        assert_eq!(similarity(&[7; 256], &[7; 128]), 50);
    }
}
