//! Lines of a connection, however it cuts them; one that is too long is skipped without being kept.

use std::io::{self, Read};

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Without its end.
    Whole(Vec<u8>),
    /// It was longer than the limit.
    TooLong,
}

/// Reads lines of at most `limit` bytes.
pub(crate) struct Lines<R> {
    from: R,
    limit: usize,
    buffer: Box<[u8]>,
    /// What of the buffer was not looked at yet.
    start: usize,
    end: usize,
    /// What there is of a line that has no end yet.
    begun: Option<Line>,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(from: R, limit: usize) -> Self {
        Self { from, limit, buffer: vec![0; BUFFER].into(), start: 0, end: 0, begun: None }
    }

    /// The next line; none at the end. What stands before the end without a line's end is a line too. After an error,
    /// as that there is nothing yet, it goes on where it was.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            if self.start == self.end && !self.fill()? {
                return Ok(self.begun.take());
            }
            let unread = &self.buffer[self.start..self.end];
            let found = unread.iter().position(|byte| *byte == b'\n');
            let piece = &unread[..found.unwrap_or(unread.len())];
            match self.begun.get_or_insert_with(|| Line::Whole(Vec::new())) {
                Line::Whole(line) if line.len() + piece.len() <= self.limit => line.extend_from_slice(piece),
                line => *line = Line::TooLong,
            }
            self.start += piece.len() + usize::from(found.is_some());
            if found.is_some() {
                return Ok(self.begun.take());
            }
        }
    }

    fn fill(&mut self) -> io::Result<bool> {
        loop {
            match self.from.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    (self.start, self.end) = (0, read?);
                    return Ok(self.end > 0);
                }
            }
        }
    }
}

/// As much as a pipe holds.
const BUFFER: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8], limit: usize) -> Vec<Line> {
        let mut lines = Lines::new(text, limit);
        std::iter::from_fn(|| lines.next().expect("memory")).collect()
    }

    #[test]
    fn a_line_that_is_too_long_is_told_and_the_next_one_is_whole() {
        let long = [&b"a\n"[..], &[b'x'; 200_000], b"\nb"].concat();
        let whole = |text: &[u8]| Line::Whole(text.to_vec());
        assert_eq!(all(&long, 100_000), [whole(b"a"), Line::TooLong, whole(b"b")]);
        assert_eq!(all(b"12345\n123456\n\n", 5), [whole(b"12345"), Line::TooLong, whole(b"")]);
        assert_eq!(all(b"", 5), []);
    }
}
