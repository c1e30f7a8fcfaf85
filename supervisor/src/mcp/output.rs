//! What a command said, as a model reads it: the beginning and the end where it is long, without what only a terminal
//! understands.

use std::collections::VecDeque;

use crate::text::printable_line;

/// So much of each stream is told where nothing else is asked for.
pub(super) const USUAL: u64 = 24 << 10;
/// So much is told at most, and at least.
pub(super) const MOST: u64 = 1 << 20;
const LEAST: u64 = 512;

/// One stream: its first bytes and its last.
pub(super) struct Stream {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    first: usize,
    last: usize,
    /// Bytes between them, also those that nobody kept.
    omitted: u64,
}

impl Stream {
    /// Of which about so many bytes are kept.
    pub(super) fn of(most: u64) -> Self {
        let most = usize::try_from(most.clamp(LEAST, MOST)).unwrap_or(usize::MAX);
        // What goes wrong is told last.
        let first = most / 3;
        Self { head: Vec::new(), tail: VecDeque::new(), first, last: most - first, omitted: 0 }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = if self.tail.is_empty() && self.omitted == 0 { self.first - self.head.len() } else { 0 };
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        let kept = &rest[rest.len().saturating_sub(self.last)..];
        let over = (self.tail.len() + kept.len()).saturating_sub(self.last);
        self.omitted += (over + rest.len() - kept.len()) as u64;
        self.tail.drain(..over);
        self.tail.extend(kept);
    }

    /// So many bytes came here that nobody has any more.
    pub(super) fn skip(&mut self, bytes: u64) {
        if bytes > 0 {
            self.omitted += bytes + self.tail.len() as u64;
            self.tail.clear();
        }
    }

    pub(super) fn omitted(&self) -> u64 {
        self.omitted
    }

    /// As text, which says what is left out.
    pub(super) fn text(&self) -> String {
        let (front, back) = self.tail.as_slices();
        let tail = [front, back].concat();
        if self.omitted == 0 {
            return readable(&[&self.head, &tail[..]].concat());
        }
        // Neither ends or begins within a character.
        let head = &self.head[..whole(&self.head)];
        let start = tail.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
        format!("{}\n[… {} bytes left out …]\n{}", readable(head), self.omitted, readable(&tail[start..]))
    }
}

/// How many bytes there are before a character that is cut.
pub(super) fn whole(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    }
}

/// A file's text, line by line as it is; what a terminal would obey, and what is no UTF-8, is shown as its number.
pub(super) fn shown(bytes: &[u8]) -> String {
    bytes.split(|byte| *byte == b'\n').map(printable_line).collect::<Vec<_>>().join("\n")
}

/// Without colours and the like; what else a terminal would obey, and what is no UTF-8, is shown as its number.
pub(super) fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for (at, line) in without_sequences(bytes).split(|byte| *byte == b'\n').enumerate() {
        if at > 0 {
            text.push('\n');
        }
        // Of a line that was written over again, as progress is, the last state counts.
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let last = line.iter().rposition(|byte| *byte == b'\r').map_or(0, |at| at + 1);
        text += &printable_line(&line[last..]);
    }
    text
}

/// Leaves out the control sequences of terminals (ECMA-48): `ESC [ … final`, `ESC ] … BEL or ESC \`, `ESC x`.
fn without_sequences(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == 0x1b) {
        kept.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        match sequence(rest) {
            0 => {
                kept.push(rest[0]);
                rest = &rest[1..];
            }
            length => rest = &rest[length..],
        }
    }
    kept.extend_from_slice(rest);
    kept
}

/// How long the sequence is that begins here; 0 where there is none.
fn sequence(bytes: &[u8]) -> usize {
    /// A longer one is none.
    const LONGEST: usize = 256;
    let after = |start: usize, is_end: &dyn Fn(&[u8]) -> Option<usize>| {
        let limit = bytes.len().min(LONGEST);
        (start..limit).find_map(|at| is_end(&bytes[at..]).map(|length| at + length)).unwrap_or(0)
    };
    match bytes.get(1) {
        Some(b'[') => {
            let body = bytes[2..].iter().take_while(|byte| (0x20..=0x3f).contains(*byte)).count();
            let is_whole =
                body < LONGEST && bytes.get(2 + body).is_some_and(|end| (0x40..=0x7e).contains(end));
            if is_whole { 3 + body } else { 0 }
        }
        Some(b']' | b'P' | b'_' | b'^') => after(2, &|rest| match rest {
            [0x07, ..] => Some(1),
            [0x1b, b'\\', ..] => Some(2),
            _ => None,
        }),
        Some(b'(' | b')') if bytes.len() > 2 => 3,
        Some(b'=' | b'>' | b'7' | b'8' | b'c' | b'M' | b'D' | b'E' | b'H') => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(most: u64, pieces: &[&[u8]]) -> (String, u64) {
        let mut stream = Stream::of(most);
        pieces.iter().for_each(|piece| stream.push(piece));
        (stream.text(), stream.omitted())
    }

    #[test]
    fn what_is_short_is_told_whole_however_it_came() {
        let text: Vec<u8> = (0..LEAST).map(|at| b'a' + (at % 26) as u8).collect();
        let whole = (String::from_utf8(text.clone()).expect("letters"), 0);
        assert_eq!(told(LEAST, &[&text]), whole);
        let pieces: Vec<&[u8]> = text.chunks(7).collect();
        assert_eq!(told(LEAST, &pieces), whole);
    }

    #[test]
    fn of_what_is_long_beginning_and_end_are_told_and_what_is_between_is_counted() {
        let text: Vec<u8> = (0..10_000_u32).flat_map(|at| format!("{at}\n").into_bytes()).collect();
        for size in [1, 13, 600, text.len()] {
            let pieces: Vec<&[u8]> = text.chunks(size).collect();
            let (said, omitted) = told(LEAST, &pieces);
            assert!(said.starts_with("0\n1\n2\n") && said.ends_with("\n9998\n9999\n"), "{said}");
            assert_eq!(omitted, text.len() as u64 - LEAST);
            assert!(said.contains(&format!("[… {omitted} bytes left out …]")), "{said}");
        }
    }

    #[test]
    fn no_character_is_cut_and_what_nobody_kept_is_counted() {
        let (said, _) = told(LEAST, &["ä€😀".repeat(1000).as_bytes()]);
        assert!(!said.contains("\\x"), "{said}");
        let mut stream = Stream::of(LEAST);
        stream.push(b"before");
        stream.skip(1000);
        stream.push(b"after");
        assert_eq!(
            (stream.text().as_str(), stream.omitted()),
            ("before\n[… 1000 bytes left out …]\nafter", 1000)
        );
    }

    #[test]
    fn a_model_reads_no_colours_and_nothing_that_a_terminal_obeys() {
        let said =
            b"\x1b[1;31merror\x1b[0m: no\r\n 10%\r100%\n\x1b]0;title\x07\tdone\x07 \xff\xe2\x80\xae\x1b[";
        assert_eq!(readable(said), "error: no\n100%\n\tdone\\u{7} \\xff\\u{202e}\\u{1b}[");
    }
}
