//! Compound commands: groups, loops, conditions, functions.

use super::super::variables::is_name;
use super::{Dialect, Read, Reader, Unread, is_meta, zsh};

const BRANCHES: &[&[u8]] = &[b"esac", b";;", b";&", b";|"];

/// Whether a word has a meaning of its own in some shell where a command may begin.
#[rustfmt::skip]
pub(super) fn is_reserved(word: &[u8]) -> bool {
    matches!(
        word,
        b"!" | b"{" | b"}" | b"[[" | b"]]" | b"if" | b"then" | b"elif" | b"else" | b"fi" | b"while" | b"until" | b"for" | b"select"
        | b"in" | b"do" | b"done" | b"case" | b"esac" | b"function" | b"time" | b"coproc" | b"repeat" | b"foreach" | b"end"
        | b"always" | b"nocorrect" | b"noglob" | b"-"
    )
}

impl Reader<'_, '_> {
    /// Reads a compound command, if one begins here.
    pub(super) fn compound(&mut self) -> Read<bool> {
        if self.sees(b"((") {
            return self.arithmetic_command();
        }
        if self.take(b"(") {
            self.list(&[b")"])?;
            return self.closed(b")");
        }
        // The slice borrows the text by way of the reader.
        let word = self.reserved().to_vec();
        if word.len() > b"function".len() {
            return Ok(false);
        }
        match &*word {
            b"{" => self.part(b"{", b"}")?,
            b"if" => self.condition()?,
            b"while" | b"until" => {
                self.part(&word, b"do")?;
                self.list(&[b"done"])?;
                self.closed(b"done")?;
            }
            b"for" | b"select" => self.iteration(&word)?,
            b"case" => self.case()?,
            b"function" => self.function_word()?,
            b"[[" => self.double_brackets()?,
            b"then" | b"else" | b"elif" | b"fi" | b"do" | b"done" | b"esac" | b"}" | b"in" => {
                return Err(Unread("it has a word where none can be"));
            }
            b"coproc" | b"repeat" | b"foreach" | b"always" | b"end" | b"nocorrect" | b"noglob" | b"-" => {
                return Err(Unread("one of its words is a command here and begins a construct there"));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Reads from one reserved word past another.
    fn part(&mut self, from: &[u8], to: &'static [u8]) -> Read<()> {
        self.at += from.len();
        self.list(&[to])?;
        self.closed(to).map(drop)
    }

    fn closed(&mut self, end: &[u8]) -> Read<bool> {
        match self.take(end) {
            true => Ok(true),
            false => Err(Unread("something in it is not closed")),
        }
    }

    fn condition(&mut self) -> Read<()> {
        self.part(b"if", b"then")?;
        loop {
            self.list(&[b"elif", b"else", b"fi"])?;
            if self.take(b"fi") {
                return Ok(());
            }
            if self.take(b"else") {
                self.list(&[b"fi"])?;
                return self.closed(b"fi").map(drop);
            }
            self.part(b"elif", b"then")?;
        }
    }

    fn iteration(&mut self, word: &[u8]) -> Read<()> {
        if word == b"select" && self.dialect != Dialect::Bash {
            return Err(Unread("one of its words is a command here and begins a construct there"));
        }
        self.at += word.len();
        self.blanks()?;
        let name = self.reserved().to_vec();
        if !is_name(&name) || (self.is_zsh() && !zsh::is_own(&name)) {
            return Err(Unread("a loop in it is not over a plain name"));
        }
        self.at += name.len();
        self.script.variables.push(name);
        self.gap()?;
        if self.reserved() == b"in" {
            self.at += b"in".len();
            self.words_of_loop()?;
        } else if self.peek() == Some(b';') {
            self.at += 1;
        }
        self.gap()?;
        match self.reserved() {
            b"do" => self.part(b"do", b"done"),
            b"{" if self.is_bash() => self.part(b"{", b"}"),
            _ => Err(Unread("a loop in it has no body")),
        }
    }

    fn words_of_loop(&mut self) -> Read<()> {
        loop {
            self.blanks()?;
            match self.peek() {
                Some(b';' | b'\n') => {
                    self.at += usize::from(self.peek() == Some(b';'));
                    return Ok(());
                }
                Some(b'#') => self.comment(),
                Some(_) => drop(self.word()?),
                None => return Err(Unread("something in it is not closed")),
            }
        }
    }

    fn case(&mut self) -> Read<()> {
        self.at += b"case".len();
        self.blanks()?;
        self.word()?;
        self.gap()?;
        if self.reserved() != b"in" {
            return Err(Unread("a `case` in it has no `in`"));
        }
        self.at += b"in".len();
        loop {
            self.gap()?;
            if self.reserved() == b"esac" {
                self.at += b"esac".len();
                return Ok(());
            }
            self.patterns()?;
            self.list(BRANCHES)?;
            // `;&` and `;|` are of some shells only; there they join branches that are all judged.
            let _ = self.take(b";;&") || self.take(b";;") || self.take(b";&") || self.take(b";|");
        }
    }

    fn patterns(&mut self) -> Read<()> {
        let mut inner = self.take(b"(");
        loop {
            self.blanks()?;
            if std::mem::replace(&mut inner, true) && self.reserved() == b"esac" {
                return Err(Unread("`esac` is a pattern here and the end there"));
            }
            self.word()?;
            self.blanks()?;
            if self.take(b")") {
                return Ok(());
            }
            if !self.take(b"|") {
                return Err(Unread("a pattern in it is not closed"));
            }
        }
    }

    /// In some shells `function` is a command like any other.
    fn function_word(&mut self) -> Read<()> {
        if !self.is_bash() {
            return Err(Unread("`function` is a command here and begins a construct there"));
        }
        self.at += b"function".len();
        self.blanks()?;
        let name = self.reserved().to_vec();
        self.at += name.len();
        self.blanks()?;
        if self.take(b"(") {
            self.blanks()?;
            self.closed(b")")?;
        }
        self.function(name)
    }

    /// Reads a function's body: it is judged where it stands, whoever may call it.
    pub(super) fn function(&mut self, name: Vec<u8>) -> Read<()> {
        // One with the name of a reserved word is called by none but who hides that word.
        if !is_name(&name) || is_reserved(&name) {
            return Err(Unread("a function in it has no plain name"));
        }
        self.gap()?;
        self.deeper(Self::command)?;
        self.script.defines = true;
        self.defined = Some(name);
        Ok(())
    }

    /// Skips `((…))`, where it holds nothing but numbers.
    fn arithmetic_command(&mut self) -> Read<bool> {
        if !self.is_bash() {
            return Err(Unread("`((` means two things"));
        }
        self.at += 2;
        self.numbers()?;
        Ok(true)
    }

    /// Reads up to `))`. A variable there is evaluated, and its value may hold `$(…)`.
    pub(super) fn numbers(&mut self) -> Read<()> {
        while let Some(byte) = self.peek() {
            match byte {
                b')' if self.sees(b"))") => {
                    self.at += 2;
                    return Ok(());
                }
                b'0'..=b'9'
                | b' '
                | b'\t'
                | b'+'
                | b'-'
                | b'*'
                | b'/'
                | b'%'
                | b'='
                | b'!'
                | b'?'
                | b':'
                | b','
                | b'^'
                | b'~'
                | b'|' => self.at += 1,
                _ => return Err(Unread("it evaluates arithmetic, where a variable's value is code")),
            }
        }
        Err(Unread("something in it is not closed"))
    }

    /// Whether a word ends here.
    pub(super) fn word_ends(&self) -> bool {
        self.peek().is_none_or(is_meta)
    }
}
