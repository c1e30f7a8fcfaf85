//! What the next line of a file goes on from.

use std::io;

use serde::Deserialize;

use super::file::File;
use crate::digest::sha256;

/// What stands before the first line of all.
pub(super) const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The end of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tail {
    /// The number of the last line.
    pub(super) number: u64,
    /// Its hash.
    pub(super) hash: String,
    /// How many lines at the end were never finished, since whoever wrote them was stopped.
    pub(super) torn: u64,
}

/// What chains a line to the others.
#[derive(Debug, Deserialize)]
pub(super) struct Link {
    pub(super) seq: u64,
    pub(super) previous: String,
    /// How many lines before it were found torn.
    #[serde(default)]
    pub(super) torn: u64,
}

/// Enough for the last line of most commands.
const FIRST_LOOK: u64 = 8 * 1024;

impl Tail {
    /// Of a record without a line.
    pub(super) fn nothing() -> Self {
        Self { number: 0, hash: NOTHING.to_owned(), torn: 0 }
    }

    /// Of a file of `size` bytes; none of an empty one.
    pub(super) fn of(file: &File, size: u64) -> io::Result<Option<Self>> {
        let mut length = FIRST_LOOK.min(size);
        while length > 0 {
            let mut bytes = vec![0; length as usize];
            file.read_exact_at(&mut bytes, size - length)?;
            if let Some(tail) = Self::within(&bytes, length == size) {
                return Ok(Some(tail));
            }
            length = length.saturating_mul(4).min(size);
        }
        Ok(None)
    }

    /// Looks for the last line that tells its number, and counts on from there. Without it nothing is known,
    /// unless the bytes are the `whole` file.
    fn within(bytes: &[u8], whole: bool) -> Option<Self> {
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let lines = if whole { &lines[..] } else { lines.get(1..)? };
        let last = lines.last()?;
        let is_torn = !last.ends_with(b"\n");
        let mut backwards = lines.iter().rev().enumerate().skip(usize::from(is_torn));
        let numbered = backwards.find_map(|(after, line)| Some((Link::of(line)?.seq, after as u64)));
        let (number, after) = numbered.or_else(|| whole.then_some((0, lines.len() as u64)))?;
        let torn = if is_torn { after } else { 0 };
        let number = number.saturating_add(after);
        Some(Self { number, hash: hash_of_line(last), torn })
    }
}

impl Link {
    /// None if that is no line of a record.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

/// The hash of a line with its end, also of one whose end was never written.
pub(super) fn hash_of_line(line: &[u8]) -> String {
    if line.ends_with(b"\n") { sha256(line) } else { sha256(&[line, b"\n"].concat()) }
}
