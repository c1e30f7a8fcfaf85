//! Words: literal text, quotes, expansions, patterns.

use super::super::word::{Rest, Word};
use super::compound::is_reserved;
use super::{Read, Reader, Unread, is_meta};

/// A word while it is read.
#[derive(Default)]
pub(super) struct Partial {
    /// What is known from its start.
    known: Vec<u8>,
    rest: Option<Rest>,
    /// How much was known where the first sign of a pattern or of braces stood.
    bracket: Option<usize>,
    brace: Option<usize>,
    /// What was seen behind an opening brace.
    alternatives: bool,
    /// Whether a line goes on in the next within it.
    joined: bool,
}

impl Partial {
    pub(super) fn push(&mut self, byte: u8) {
        if self.rest.is_none() {
            self.known.push(byte);
        }
    }

    /// What follows is not known; of more than one kind the looser stays.
    pub(super) fn unknown(&mut self, rest: Rest) {
        self.rest = self.rest.max(Some(rest));
    }

    /// From there on it is a pattern, or several words.
    fn several_from(&mut self, length: usize) {
        self.known.truncate(length);
        self.unknown(Rest::Several);
    }

    /// A byte outside of quotes.
    fn plain(&mut self, byte: u8) {
        match byte {
            b'*' | b'?' => self.unknown(Rest::Several),
            // A blank in some character sets.
            0xa0 | 0x85 => self.unknown(Rest::Many),
            b'[' => self.bracket = self.bracket.or(Some(self.known.len())),
            b']' if let Some(length) = self.bracket => self.several_from(length),
            b'{' => self.brace = self.brace.or(Some(self.known.len())),
            b',' | b'.' if self.brace.is_some() => self.alternatives = true,
            b'}' if self.alternatives
                && let Some(length) = self.brace =>
            {
                self.several_from(length)
            }
            _ => {}
        }
        self.push(byte);
    }

    pub(super) fn finish(self) -> Word<'static> {
        Word { start: self.known.into(), rest: self.rest.unwrap_or(Rest::Nothing) }
    }
}

impl Reader<'_, '_> {
    /// Reads a word. One has to begin here.
    pub(super) fn word(&mut self) -> Read<Word<'static>> {
        if self.sees(b"<(") || self.sees(b">(") {
            return self.process();
        }
        if self.word_ends() {
            return Err(Unread("it has a sign where a word should be"));
        }
        let start = self.at;
        if self.peek() == Some(b'#') && (start == 0 || is_meta(self.text[start - 1])) {
            return Err(Unread("a comment begins where a word should be"));
        }
        let mut word = Partial::default();
        while let Some(byte) = self.peek().filter(|byte| !is_meta(*byte)) {
            self.piece(byte, start, &mut word)?;
        }
        if self.sees(b"<(") || self.sees(b">(") {
            return Err(Unread("a command in the middle of a word"));
        }
        // `{NAME}>file` sets a variable, and what follows is the command.
        let written = &self.text[self.since(start)];
        if matches!(self.peek(), Some(b'<' | b'>')) && written.starts_with(b"{") && written.ends_with(b"}") {
            return Err(Unread("a redirection in it sets a variable"));
        }
        if word.joined {
            self.means_what_it_looks(written)?;
        }
        Ok(word.finish())
    }

    /// Shells join lines before they know words by their letters. One that was not known here, for a line goes on
    /// within it or behind it, has to be one of which nothing hangs on that.
    fn means_what_it_looks(&self, written: &[u8]) -> Read<()> {
        let mut joined = Vec::with_capacity(written.len());
        let mut rest = written;
        while let [byte, behind @ ..] = rest {
            rest = rest.strip_prefix(b"\\\n").unwrap_or_else(|| {
                joined.push(*byte);
                behind
            });
        }
        let redirects = matches!(self.peek(), Some(b'<' | b'>')) && joined.iter().all(u8::is_ascii_digit);
        let name = joined.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let assigns = name > 0 && matches!(joined.get(name), Some(b'=' | b'+' | b'['));
        match redirects || assigns || is_reserved(&joined) {
            true => Err(Unread("a line goes on in the next within a word that has a meaning")),
            false => Ok(()),
        }
    }

    fn piece(&mut self, byte: u8, start: usize, word: &mut Partial) -> Read<()> {
        match byte {
            b'\\' if self.ahead(1) == Some(b'\n') => {
                self.joined_line()?;
                word.joined = true;
                if self.peek() == Some(b'~') {
                    return Err(Unread("a line goes on in the next before a sign"));
                }
            }
            b'\\' => {
                let next = self.ahead(1).ok_or(Unread("it ends in a backslash"))?;
                word.push(next);
                self.at += 2;
            }
            b'\'' => self.single(word)?,
            b'"' => self.double(word)?,
            b'$' => self.dollar(false, word)?,
            b'`' => {
                self.backquote(false)?;
                word.unknown(Rest::Many);
            }
            b'~' if self.at == start || matches!(self.text[self.at - 1], b'=' | b':') => {
                word.unknown(Rest::Unknown);
                self.at += 1;
            }
            _ => {
                word.plain(byte);
                self.at += 1;
            }
        }
        Ok(())
    }

    /// `<(…)`: a command whose output is a file.
    fn process(&mut self) -> Read<Word<'static>> {
        self.at += 2;
        self.substituted()?;
        match self.word_ends() && !self.sees(b"<(") && !self.sees(b">(") {
            true => Ok(Word::unknown()),
            false => Err(Unread("a command in the middle of a word")),
        }
    }

    /// Reads the commands behind an opening bracket, and the closing one.
    pub(super) fn substituted(&mut self) -> Read<()> {
        if !self.here.is_empty() {
            return Err(Unread("a command begins where a here-document is still to come"));
        }
        self.deeper(|reader| reader.list(&[b")"]))?;
        match self.take(b")") {
            true => Ok(()),
            false => Err(Unread("something in it is not closed")),
        }
    }
}
