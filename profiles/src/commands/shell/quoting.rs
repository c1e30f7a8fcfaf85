//! Quotes of all kinds.

use super::super::word::Rest;
use super::words::Partial;
use super::{Dialect, Read, Reader, Unread};

impl Reader<'_, '_> {
    /// `'…'`.
    pub(super) fn single(&mut self, word: &mut Partial) -> Read<()> {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += 1;
            if byte == b'\'' {
                return Ok(());
            }
            self.quoted_line(byte)?;
            word.push(byte);
        }
        Err(Unread("a quote in it is not closed"))
    }

    /// `"…"`.
    pub(super) fn double(&mut self, word: &mut Partial) -> Read<()> {
        self.at += 1;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'$' => self.dollar(true, word)?,
                b'`' => {
                    self.backquote(true)?;
                    word.unknown(Rest::Unknown);
                }
                b'\\' => self.escaped(word)?,
                _ => {
                    self.quoted_line(byte)?;
                    word.push(byte);
                    self.at += 1;
                }
            }
        }
        Err(Unread("a quote in it is not closed"))
    }

    /// A backslash within `"…"`.
    fn escaped(&mut self, word: &mut Partial) -> Read<()> {
        match self.ahead(1) {
            Some(b'\n') => return self.joined_line(),
            Some(byte @ (b'$' | b'`' | b'"' | b'\\')) => word.push(byte),
            Some(byte) => {
                self.quoted_line(byte)?;
                word.push(b'\\');
                word.push(byte);
            }
            None => return Err(Unread("a quote in it is not closed")),
        }
        self.at += 2;
        Ok(())
    }

    /// `$'…'`, which some shells read as a dollar and a quote.
    pub(super) fn ansi(&mut self, word: &mut Partial) -> Read<()> {
        self.at += 1;
        word.unknown(Rest::Unknown);
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'\'' => return Ok(()),
                b'\\' if self.dialect == Dialect::Sh => return Err(Unread("`$'…'` means two things")),
                b'\\' => self.at += 1,
                _ => self.quoted_line(byte)?,
            }
        }
        Err(Unread("a quote in it is not closed"))
    }

    fn quoted_line(&self, byte: u8) -> Read<()> {
        match byte == b'\n' && !self.here.is_empty() {
            true => Err(Unread("a line with a here-document goes on in the next")),
            false => Ok(()),
        }
    }

    /// `` `…` ``: its text is read once without its backslashes, then as commands.
    pub(super) fn backquote(&mut self, in_double: bool) -> Read<()> {
        if !self.here.is_empty() {
            return Err(Unread("a command begins where a here-document is still to come"));
        }
        self.at += 1;
        let mut text = Vec::new();
        loop {
            let byte = self.peek().ok_or(Unread("something in it is not closed"))?;
            self.at += 1;
            match (byte, self.peek()) {
                (b'`', _) => break,
                (b'\\', Some(next @ (b'`' | b'\\' | b'$'))) => {
                    text.push(next);
                    self.at += 1;
                }
                (b'\\', Some(b'"')) if in_double => {
                    return Err(Unread("quotes within backquotes within quotes"));
                }
                _ => text.push(byte),
            }
        }
        let dialect = self.dialect;
        self.deeper(|reader| {
            let depth = reader.depth;
            super::Reader::new(&text, dialect, reader.script, depth).whole()
        })
    }
}
