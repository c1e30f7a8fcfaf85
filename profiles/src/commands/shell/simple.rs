//! Simple commands: assignments, words, redirections.

use super::super::variables::{assigned, is_name};
use super::super::word::{Rest, Word};
use super::{Dialect, MOST, Read, Reader, Simple, Unread, is_meta};

/// Bash splits no assignment behind these, as long as they are written so, without quotes.
const DECLARING: &[&[u8]] = &[b"export", b"readonly", b"local", b"declare", b"typeset"];
/// Digits of a descriptor in bash; far more are none.
const LONGEST_DESCRIPTOR: usize = 4;

impl Reader<'_, '_> {
    /// Reads assignments, words and redirections up to the end of the command.
    pub(super) fn simple(&mut self) -> Read<()> {
        let mut simple = Simple { assigned: Vec::new(), words: Vec::new() };
        let start = self.at;
        // Here `&>` is a redirection, there it ends the command.
        let mut both = false;
        let mut declares = false;
        loop {
            self.blanks()?;
            let before = self.at;
            if self.redirection()? {
                both |= self.text[before] == b'&';
                continue;
            }
            match self.peek() {
                None => break,
                Some(b'#') => self.comment(),
                Some(b'(') if simple.words.len() == 1 && simple.assigned.is_empty() => {
                    return self.plain_function(start);
                }
                Some(b'(') => return Err(Unread("it has a bracket where none can be")),
                Some(b'<' | b'>') => simple.words.push(self.word()?),
                Some(byte) if is_meta(byte) => break,
                Some(_) if both && self.dialect != Dialect::Bash => {
                    return Err(Unread("`&>` means two things"));
                }
                Some(_) if simple.words.is_empty() && self.is_zsh() && self.reserved().contains(&b'=') => {
                    return Err(Unread("zsh evaluates what some variables are set to"));
                }
                Some(_) if simple.words.is_empty() && self.assignment(&mut simple)? => {}
                Some(_) => {
                    let word = self.argument(declares)?;
                    let written = &self.text[before..self.at];
                    declares |= simple.words.is_empty() && self.is_bash() && DECLARING.contains(&written);
                    simple.words.push(word);
                }
            }
        }
        if self.at == start {
            return Err(Unread("it has a sign where none can be"));
        }
        if self.is_zsh() && simple.words.is_empty() {
            return Err(Unread("a redirection alone starts a program"));
        }
        if self.script.commands.len() >= MOST {
            return Err(Unread("it has more commands than are read here"));
        }
        self.script.commands.push(simple);
        Ok(())
    }

    /// Reads a word. What bash knows for an assignment stays one, whatever its value.
    fn argument(&mut self, declares: bool) -> Read<Word<'static>> {
        let start = self.at;
        let mut word = self.word()?;
        if declares && assigned(&self.text[start..self.at]).is_some_and(is_name) {
            word.rest = word.rest.min(Rest::Unknown);
        }
        Ok(word)
    }

    /// `name () …`, with nothing quoted.
    fn plain_function(&mut self, start: usize) -> Read<()> {
        let range = self.since(start);
        let name = self.text[range].trim_ascii_end().to_vec();
        self.at += 1;
        self.blanks()?;
        match self.take(b")") {
            true => self.function(name),
            false => Err(Unread("it has a bracket where none can be")),
        }
    }

    /// Reads `NAME=VALUE`, if that stands here.
    fn assignment(&mut self, simple: &mut Simple) -> Read<bool> {
        let left = self.left();
        let end = left.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'));
        let Some(end) = end.filter(|end| is_name(&left[..*end])) else { return Ok(false) };
        let name = left[..end].to_vec();
        let mut equals = end;
        if left[equals] == b'[' {
            // An index is arithmetic.
            let digits = left[equals + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            equals += digits + 2;
            if digits == 0 || left.get(equals - 1) != Some(&b']') {
                return Err(Unread("it evaluates an index, where a variable's value is code"));
            }
        }
        equals += usize::from(left.get(equals) == Some(&b'+'));
        if left.get(equals) != Some(&b'=') {
            return Ok(false);
        }
        if equals > end && self.dialect == Dialect::Sh {
            return Err(Unread("an assignment here is a command there"));
        }
        self.script.arrays |= left[end] == b'[';
        self.at += equals + 1;
        match self.peek() {
            Some(b'(') => self.array()?,
            _ if self.word_ends() => {}
            _ => drop(self.word()?),
        }
        simple.assigned.push(name);
        Ok(true)
    }

    /// Reads the values of an array.
    fn array(&mut self) -> Read<()> {
        if !self.is_bash() {
            return Err(Unread("not every shell has arrays"));
        }
        // Bash forgets what ends a document that is still to come.
        if !self.here.is_empty() {
            return Err(Unread("an array begins where a here-document is still to come"));
        }
        self.at += 1;
        self.script.arrays = true;
        loop {
            self.gap()?;
            if self.take(b")") {
                // Bash goes on with the word, also where a comment would begin.
                return match self.word_ends() {
                    true => Ok(()),
                    false => Err(Unread("an array in it is not a plain one")),
                };
            }
            // `[index]=value`: an index is arithmetic.
            if self.word_ends() || self.peek() == Some(b'[') {
                return Err(Unread("an array in it is not a plain one"));
            }
            self.word()?;
        }
    }

    /// Reads a redirection, if one stands here. Files are the sandbox's matter; commands in their names are not.
    pub(super) fn redirection(&mut self) -> Read<bool> {
        let digits = self.left().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let sign = self.ahead(digits);
        let both = digits == 0 && self.sees(b"&>");
        if !both && !matches!(sign, Some(b'<' | b'>')) {
            return Ok(false);
        }
        if digits == 0 && (self.sees(b"<(") || self.sees(b">(")) {
            // It is a word.
            return Ok(false);
        }
        // What has more digits is a word, and what that redirects is another descriptor.
        if digits > if self.is_bash() { LONGEST_DESCRIPTOR } else { 1 } {
            return Err(Unread("a descriptor in it has too many digits"));
        }
        self.at += digits;
        if self.sees(b"<<") && !self.sees(b"<<<") {
            return self.document().map(|()| true);
        }
        const SIGNS: &[&[u8]] = &[b"<<<", b"&>>", b"&>", b">>", b">|", b">&", b"<&", b"<>", b"<", b">"];
        let _ = SIGNS.iter().any(|sign| self.take(sign));
        self.blanks()?;
        if self.word_ends() && !self.sees(b"<(") && !self.sees(b">(") {
            return Err(Unread("a redirection in it leads nowhere"));
        }
        self.word()?;
        Ok(true)
    }
}
