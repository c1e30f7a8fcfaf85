//! Here-documents: text that is no command, with commands in it.

use super::super::word::Rest;
use super::words::Partial;
use super::{Read, Reader, Unread, is_meta};

/// A document whose text is still to come.
pub(super) struct Pending {
    delimiter: Vec<u8>,
    /// A quoted delimiter: nothing in the text is expanded.
    quoted: bool,
    /// `<<-`: tabs before a line are not part of it.
    tabs: bool,
}

impl Reader<'_, '_> {
    /// Reads `<<` and the delimiter.
    pub(super) fn document(&mut self) -> Read<()> {
        self.at += 2;
        let tabs = self.take(b"-");
        self.blanks()?;
        let start = self.at;
        if self.word_ends() {
            return Err(Unread("a here-document in it has no end"));
        }
        let mut written = self.left().iter().take_while(|byte| !is_meta(**byte));
        if written.any(|byte| matches!(byte, b'$' | b'`' | b'*' | b'?' | b'[' | b'{' | b'~')) {
            return Err(Unread("the end of a here-document is not a plain word"));
        }
        let word = self.word()?;
        let written = &self.text[self.since(start)];
        let quoted = written.iter().any(|byte| matches!(byte, b'\'' | b'"' | b'\\'));
        if written.contains(&b'\n') {
            return Err(Unread("the end of a here-document is not a plain word"));
        }
        let delimiter = word.text().filter(|text| !text.is_empty() && !text.contains(&b'\n'));
        let delimiter = delimiter.ok_or(Unread("the end of a here-document is not a plain word"))?.to_vec();
        self.here.push(Pending { delimiter, quoted, tabs });
        Ok(())
    }

    /// Reads the texts of the documents that began in the line before.
    pub(super) fn documents(&mut self) -> Read<()> {
        for pending in std::mem::take(&mut self.here) {
            let start = self.at;
            let end = self.find_end(&pending)?;
            let behind = self.at;
            if !pending.quoted {
                self.expanded(start, end)?;
            }
            self.at = behind;
        }
        Ok(())
    }

    /// Goes behind the line that ends the document, and tells where that began.
    fn find_end(&mut self, pending: &Pending) -> Read<usize> {
        while self.at < self.end {
            let begin = self.at;
            let left = self.left();
            let length = left.iter().position(|byte| *byte == b'\n').unwrap_or(left.len());
            let line = &left[..length];
            self.at = (begin + length + 1).min(self.end);
            let tabs = if pending.tabs { line.iter().take_while(|byte| **byte == b'\t').count() } else { 0 };
            if line[tabs..] == *pending.delimiter {
                // The newline belongs to the command.
                self.at = begin + length;
                return Ok(begin);
            }
            if self.depth > 0 && line[tabs..].starts_with(&pending.delimiter) && line.contains(&b')') {
                return Err(Unread("a here-document within brackets may end in the line that closes them"));
            }
            if !pending.quoted && line.ends_with(b"\\") {
                return Err(Unread("a line of a here-document goes on in the next"));
            }
        }
        Err(Unread("a here-document in it has no end"))
    }

    fn expanded(&mut self, start: usize, end: usize) -> Read<()> {
        let outer = std::mem::replace(&mut self.end, end);
        self.at = start;
        let mut word = Partial::default();
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => self.at += 2,
                b'$' => self.dollar(true, &mut word)?,
                b'`' => {
                    self.backquote(true)?;
                    word.unknown(Rest::Unknown);
                }
                _ => self.at += 1,
            }
        }
        self.end = outer;
        Ok(())
    }
}
