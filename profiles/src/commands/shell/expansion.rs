//! What a dollar begins.

use super::super::variables::is_name;
use super::super::word::Rest;
use super::words::Partial;
use super::{Dialect, Read, Reader, Unread};

impl Reader<'_, '_> {
    /// Reads an expansion. Its value is not known, quoted or not.
    pub(super) fn dollar(&mut self, quoted: bool, word: &mut Partial) -> Read<()> {
        self.at += 1;
        let rest = if quoted { Rest::Unknown } else { Rest::Many };
        match self.peek() {
            Some(b'(') if self.ahead(1) == Some(b'(') => {
                self.at += 2;
                self.numbers()?;
            }
            Some(b'(') => {
                self.at += 1;
                self.substituted()?;
            }
            Some(b'{') => return self.braced(quoted, word),
            Some(b'[') => return Err(Unread("it evaluates arithmetic, where a variable's value is code")),
            Some(b'\\') if self.ahead(1) == Some(b'\n') => return self.joined_line(),
            Some(b'\'') if !quoted => return self.ansi(word),
            Some(b'"') if !quoted => {
                return Err(Unread("what a translation says in place of `$\"…\"` is expanded"));
            }
            Some(b'@') => {
                self.at += 1;
                word.unknown(Rest::Many);
            }
            Some(b'*' | b'#' | b'?' | b'$' | b'!' | b'-' | b'0'..=b'9') => self.at += 1,
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => self.name(),
            _ => {
                word.push(b'$');
                return Ok(());
            }
        }
        word.unknown(rest);
        Ok(())
    }

    fn name(&mut self) {
        let left = self.left();
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        self.at += left.iter().take_while(|byte| plain(byte)).count();
    }

    /// `${…}`.
    fn braced(&mut self, quoted: bool, word: &mut Partial) -> Read<()> {
        self.at += 1;
        let length = self.peek() == Some(b'#') && self.ahead(1) != Some(b'}');
        self.at += usize::from(length);
        let start = self.at;
        match self.peek() {
            Some(b'@' | b'*' | b'#' | b'?' | b'$' | b'-') => self.at += 1,
            Some(b'!') if self.ahead(1) == Some(b'}') => self.at += 1,
            _ => self.name(),
        }
        let name = self.text[self.since(start)].to_vec();
        if name.is_empty() {
            return Err(Unread("it evaluates a variable's value as code"));
        }
        let all = self.index()? || name == b"@";
        word.unknown(if quoted && !all { Rest::Unknown } else { Rest::Many });
        self.operator(&name, quoted)
    }

    /// An index of an array. Tells whether it stands for all.
    fn index(&mut self) -> Read<bool> {
        if self.peek() != Some(b'[') {
            return Ok(false);
        }
        if self.take(b"[@]") || self.take(b"[*]") {
            return Ok(true);
        }
        let left = &self.left()[1..];
        let digits = left.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits + 2;
        match digits > 0 && left.get(digits) == Some(&b']') {
            true => Ok(false),
            false => Err(Unread("it evaluates an index, where a variable's value is code")),
        }
    }

    fn operator(&mut self, name: &[u8], quoted: bool) -> Read<()> {
        let colon = self.take(b":");
        match self.peek() {
            Some(b'}') if !colon => {
                self.at += 1;
                return Ok(());
            }
            Some(b'=') if is_name(name) => self.script.variables.push(name.to_vec()),
            Some(b'-' | b'?' | b'+') => {}
            Some(b'#' | b'%' | b'/' | b'^' | b',') if !colon => {
                return self.operand(false, quoted);
            }
            Some(b'0'..=b'9' | b' ') if colon => return self.part_of_value(),
            _ => return Err(Unread("it evaluates a variable's value as code")),
        }
        self.operand(true, quoted)
    }

    /// `${x:1:2}`: arithmetic, so numbers only.
    fn part_of_value(&mut self) -> Read<()> {
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'}' => return Ok(()),
                b'0'..=b'9' | b' ' | b':' | b'-' => {}
                _ => break,
            }
        }
        Err(Unread("it evaluates arithmetic, where a variable's value is code"))
    }

    /// What follows an operator, and the closing brace.
    fn operand(&mut self, is_word: bool, quoted: bool) -> Read<()> {
        self.at += 1;
        let odd = Unread("quotes or brackets within braces mean two things");
        // Its value is unknown in any case.
        let mut word = Partial::default();
        while let Some(byte) = self.peek() {
            match byte {
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\'' | b'"' if quoted => return Err(odd),
                b'\'' if is_word || self.dialect == Dialect::Bash => self.single(&mut word)?,
                b'"' => self.deeper(|reader| reader.double(&mut word))?,
                b'$' => self.deeper(|reader| reader.dollar(quoted, &mut word))?,
                b'`' => self.backquote(quoted)?,
                b'\\' if self.ahead(1).is_some_and(|next| next != b'\n') => self.at += 2,
                b'\\' | b'{' | b'\'' | b'\n' => return Err(odd),
                b'<' | b'>' | b'(' | b'=' if self.ahead(1) == Some(b'(') => return Err(odd),
                _ => self.at += 1,
            }
        }
        Err(Unread("something in it is not closed"))
    }
}
