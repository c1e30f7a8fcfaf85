//! Lists, pipelines, and what parts their commands.

use super::{Dialect, Read, Reader, Unread, is_meta};

/// What a list ends before: a word that is reserved, or a sign.
pub(super) type Ends = [&'static [u8]];

impl Reader<'_, '_> {
    /// Reads commands up to one of the ends, or to the end of the text where there are none.
    pub(super) fn list(&mut self, ends: &Ends) -> Read<()> {
        loop {
            self.gap()?;
            if self.at == self.end || self.at_end(ends) {
                return self.ended(ends);
            }
            let alone = self.and_or()?;
            self.blanks()?;
            let background = self.peek() == Some(b'&');
            if let Some(name) = self.defined.take()
                && alone
                && !background
                && self.within == 0
                // The text of a document that began before is expanded before.
                && self.here.is_empty()
            {
                self.script.functions.push((name, self.script.commands.len()));
            }
            match self.peek() {
                Some(b'&') => self.at += 1,
                Some(b';') if !self.sees(b";;") && !self.sees(b";&") && !self.sees(b";|") => self.at += 1,
                None | Some(b'\n') => {}
                Some(_) if self.at_end(ends) => {}
                Some(_) => return Err(Unread("it has a sign or a word where none can be")),
            }
        }
    }

    fn ended(&self, ends: &Ends) -> Read<()> {
        match (self.at == self.end, ends.is_empty()) {
            (true, true) if self.here.is_empty() => Ok(()),
            (true, _) => Err(Unread("something in it is not closed")),
            // A document that begins within brackets has to end there as well.
            (false, _) if self.here.is_empty() || !self.sees(b")") => Ok(()),
            (false, _) => Err(Unread("a here-document in it does not end where it began")),
        }
    }

    fn at_end(&self, ends: &Ends) -> bool {
        ends.iter().any(|end| match end[0] {
            b')' | b';' => self.sees(end),
            _ => self.reserved() == *end,
        })
    }

    /// Reads pipelines joined by `&&` and `||`. Tells whether there was one command alone.
    fn and_or(&mut self) -> Read<bool> {
        let mut alone = true;
        loop {
            alone &= self.pipeline()?;
            self.blanks()?;
            if !self.take(b"&&") && !self.take(b"||") {
                return Ok(alone);
            }
            alone = false;
            self.gap()?;
        }
    }

    fn pipeline(&mut self) -> Read<bool> {
        let mut alone = true;
        loop {
            while self.reserved() == b"!" {
                self.at += 1;
                self.gap()?;
                alone = false;
            }
            self.command()?;
            self.blanks()?;
            if self.sees(b"||") || !(self.take(b"|&") || self.take(b"|")) {
                return Ok(alone);
            }
            alone = false;
            self.gap()?;
        }
    }

    /// Reads a command of whatever kind, and the redirections behind it.
    pub(super) fn command(&mut self) -> Read<()> {
        let compound = self.deeper(Self::compound)?;
        if !compound {
            return self.simple();
        }
        loop {
            self.blanks()?;
            if !self.redirection()? {
                return Ok(());
            }
        }
    }

    /// The word that stands here if it may be reserved, as it is written.
    pub(super) fn reserved(&self) -> &[u8] {
        let left = self.left();
        let end = left.iter().position(|byte| is_meta(*byte)).unwrap_or(left.len());
        &left[..end]
    }

    /// Goes over blanks and joined lines.
    pub(super) fn blanks(&mut self) -> Read<()> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.at += 1,
                Some(b'\\') if self.ahead(1) == Some(b'\n') => self.joined_line()?,
                _ => return Ok(()),
            }
        }
    }

    /// Goes over blanks, comments and lines, with the documents that begin behind them.
    pub(super) fn gap(&mut self) -> Read<()> {
        loop {
            self.blanks()?;
            match self.peek() {
                Some(b'\n') => {
                    self.at += 1;
                    self.documents()?;
                }
                Some(b'#') => self.comment(),
                _ => return Ok(()),
            }
        }
    }

    pub(super) fn comment(&mut self) {
        let left = self.left();
        self.at += left.iter().position(|byte| *byte == b'\n').unwrap_or(left.len());
    }

    pub(super) fn joined_line(&mut self) -> Read<()> {
        if !self.here.is_empty() {
            return Err(Unread("a line with a here-document goes on in the next"));
        }
        // Shells join lines before they tell signs apart: with the next line these may be one sign.
        let before = self.at.checked_sub(1).map_or(b' ', |at| self.text[at]);
        self.at += 2;
        let after = || {
            let joined = self.left().chunks(2).take_while(|pair| pair == b"\\\n").count();
            self.ahead(2 * joined)
        };
        let one_sign = b"$<>()[]{}".contains(&before)
            || (b"&|;".contains(&before) && after().is_some_and(|next| b"&|;<>()".contains(&next)));
        match one_sign {
            true => Err(Unread("a line goes on in the next in the middle of a sign")),
            false => Ok(()),
        }
    }

    pub(super) fn is_bash(&self) -> bool {
        self.dialect == Dialect::Bash
    }

    pub(super) fn is_zsh(&self) -> bool {
        self.dialect == Dialect::Zsh
    }
}
