//! The lines of a patch, each with its number.

/// What is left of a patch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, number: 1 }
    }

    /// The number of the next line.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// The next line with its newline, which only the last one may lack.
    pub(super) fn peek(&self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest).map_or(self.rest.len(), |at| at + 1);
        Some(&self.rest[..end])
    }

    pub(super) fn next(&mut self) -> Option<&'a [u8]> {
        let line = self.peek()?;
        self.skip(line);
        Some(line)
    }

    /// Goes on after `line`, which was peeked at.
    pub(super) fn skip(&mut self, line: &[u8]) {
        self.rest = &self.rest[line.len()..];
        self.number += 1;
    }

    /// The line after the next one.
    pub(super) fn peek_second(&self) -> Option<&'a [u8]> {
        let mut ahead = *self;
        ahead.next()?;
        ahead.peek()
    }
}

/// The line without its newline.
pub(super) fn chomp(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

/// The line without its newline, and without a carriage return before that.
pub(super) fn trim_end(line: &[u8]) -> &[u8] {
    let line = chomp(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
