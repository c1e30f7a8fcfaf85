//! Reads the text of shells, as far as all shells that may run it read it alike.
//!
//! It finds the simple commands of a text, wherever they stand. What would be read in two ways, or evaluates
//! values as code, is not read at all: the whole text is then undecided. Bounded in length, depth and number.

mod brackets;
mod compound;
mod expansion;
mod here;
mod lists;
mod quoting;
mod simple;
mod words;
mod zsh;

pub(super) use zsh::BUILTINS as BUILTINS_OF_ZSH;

use std::ops::Range;

use super::word::Word;

/// Which shells may read a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `sh` is one shell here and another there: dash, bash, busybox.
    Sh,
    Bash,
    /// Of its own are so many meanings that only what is plain is read.
    Zsh,
}

/// What a text would run.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// The simple commands, in the order of the text.
    pub(super) commands: Vec<Simple>,
    /// The variables that it sets otherwise than before a command.
    pub(super) variables: Vec<Vec<u8>>,
    /// Functions that are certain to be there after so many commands.
    pub(super) functions: Vec<(Vec<u8>, usize)>,
    /// Whether there are others.
    pub(super) defines: bool,
    /// Whether it sets arrays.
    pub(super) arrays: bool,
}

/// A simple command.
#[derive(Debug)]
pub(super) struct Simple {
    /// The names of the variables that are set before it.
    pub(super) assigned: Vec<Vec<u8>>,
    /// Program and arguments; none where variables are set, or files opened, and that is all.
    pub(super) words: Vec<Word<'static>>,
}

/// Why a text cannot be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unread(pub(super) &'static str);

type Read<T> = Result<T, Unread>;

/// Longer texts are not read.
pub(super) const LONGEST: usize = 64 << 10;
/// Nor are deeper ones,
const DEEPEST: u32 = 40;
/// nor such with more commands.
const MOST: usize = 2000;

/// Reads a text.
pub(super) fn read(text: &[u8], dialect: Dialect) -> Read<Script> {
    if text.len() > LONGEST {
        return Err(Unread("it is longer than is read here"));
    }
    if text.contains(&0) {
        return Err(Unread("it has a NUL in it"));
    }
    if dialect == Dialect::Zsh {
        zsh::plain(text)?;
    }
    let mut script = Script::default();
    Reader::new(text, dialect, &mut script, 0).whole()?;
    Ok(script)
}

/// The words of one plain command, as profiles write examples.
pub(super) fn words_of_line(line: &str) -> Option<Vec<Word<'static>>> {
    let script = read(line.as_bytes(), Dialect::Bash).ok()?;
    let [Simple { assigned, words }] = script.commands.try_into().ok()?;
    let plain = assigned.is_empty() && !words.is_empty() && words.iter().all(|word| word.text().is_some());
    plain.then_some(words)
}

/// A text while it is read.
struct Reader<'t, 's> {
    text: &'t [u8],
    at: usize,
    /// Where reading ends: the text's end, or a here-document's.
    end: usize,
    dialect: Dialect,
    script: &'s mut Script,
    here: Vec<here::Pending>,
    depth: u32,
    /// How many constructs a command stands in that may run it more than once, or never.
    within: u32,
    /// A function that would be certain if its command stood alone.
    defined: Option<Vec<u8>>,
}

impl<'t, 's> Reader<'t, 's> {
    fn new(text: &'t [u8], dialect: Dialect, script: &'s mut Script, depth: u32) -> Self {
        Self {
            text,
            at: 0,
            end: text.len(),
            dialect,
            script,
            here: Vec::new(),
            depth,
            within: depth,
            defined: None,
        }
    }

    fn whole(mut self) -> Read<()> {
        self.list(&[])?;
        match self.at == self.end {
            true => Ok(()),
            false => Err(Unread("it has a bracket or a word where none can be")),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.ahead(0)
    }

    fn ahead(&self, count: usize) -> Option<u8> {
        let at = self.at + count;
        (at < self.end).then(|| self.text[at])
    }

    fn left(&self) -> &'t [u8] {
        &self.text[self.at..self.end]
    }

    fn sees(&self, text: &[u8]) -> bool {
        self.left().starts_with(text)
    }

    /// Goes on behind a text, if it is next.
    fn take(&mut self, text: &[u8]) -> bool {
        let seen = self.sees(text);
        self.at += if seen { text.len() } else { 0 };
        seen
    }

    /// Reads something that lies deeper.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth >= DEEPEST {
            return Err(Unread("it is nested deeper than is read here"));
        }
        self.depth += 1;
        self.within += 1;
        let value = read(self)?;
        self.within -= 1;
        self.depth -= 1;
        Ok(value)
    }

    /// What was read of the text from there.
    fn since(&self, start: usize) -> Range<usize> {
        start..self.at
    }
}

/// What ends a word.
fn is_meta(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
}
