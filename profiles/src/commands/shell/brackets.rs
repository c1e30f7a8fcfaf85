//! `[[ … ]]`, whose operands may be evaluated.

use super::super::variables::is_name;
use super::{Dialect, Read, Reader, Unread, is_meta};

const NUMERIC: &[&[u8]] = &[b"-eq", b"-ne", b"-lt", b"-le", b"-gt", b"-ge"];

impl Reader<'_, '_> {
    /// Reads up to `]]`.
    pub(super) fn double_brackets(&mut self) -> Read<()> {
        if self.dialect != Dialect::Bash {
            return Err(Unread("`[[` is a command here and begins a construct there"));
        }
        if !self.here.is_empty() {
            return Err(Unread("a condition begins where a here-document is still to come"));
        }
        self.at += 2;
        let mut open = 0_u32;
        let evaluates = Unread("it evaluates arithmetic, where a variable's value is code");
        // The word before, where it is known.
        let mut before: Option<Vec<u8>> = None;
        loop {
            while matches!(self.peek(), Some(b' ' | b'\t' | b'\n')) || self.sees(b"\\\n") {
                self.blanks()?;
                self.at += usize::from(self.peek() == Some(b'\n'));
            }
            if self.reserved() == b"]]" && open == 0 {
                self.at += 2;
                return Ok(());
            }
            match self.peek() {
                // Within the brackets of an expression it is none.
                Some(b'#') => return Err(Unread("a comment in a condition")),
                None => return Err(Unread("something in it is not closed")),
                Some(b';') => return Err(Unread("it has a sign where none can be")),
                Some(b'<' | b'>') if self.ahead(1) == Some(b'(') => {
                    return Err(Unread("a command in a condition"));
                }
                Some(byte) if is_meta(byte) => {
                    open = (open + u32::from(byte == b'(')).saturating_sub(u32::from(byte == b')'));
                    self.at += 1;
                    before = None;
                    continue;
                }
                Some(_) => {}
            }
            let word = self.word()?.text().map(<[u8]>::to_vec);
            let plain = word.as_deref().is_some_and(|word| word.iter().all(u8::is_ascii_digit));
            let after_variable = matches!(before.as_deref(), Some(b"-v" | b"-R"));
            let number = |word: &Option<Vec<u8>>| word.as_deref().is_some_and(|word| NUMERIC.contains(&word));
            let digits = before.as_deref().is_some_and(|word| word.iter().all(u8::is_ascii_digit));
            if (number(&before) && !plain)
                || (number(&word) && !digits)
                || (after_variable && !word.as_deref().is_some_and(is_name))
            {
                return Err(evaluates);
            }
            before = word;
        }
    }
}
