//! A word of a command, as far as it is known before it runs.

use std::borrow::Cow;

/// A word, of which the end may be unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    /// What it is, or begins with.
    pub(super) start: Cow<'a, [u8]>,
    pub(super) rest: Rest,
}

/// What is unknown of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rest {
    /// Nothing: this is the word.
    Nothing,
    /// Its end; it stays one word.
    Unknown,
    /// How many words it becomes; perhaps none. All of them begin so.
    Several,
    /// How many words it becomes, and which; perhaps none.
    Many,
}

impl<'a> Word<'a> {
    /// A word that is all there.
    pub(crate) fn known(text: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { start: text.into(), rest: Rest::Nothing }
    }

    /// One word of which nothing is known.
    pub(super) fn unknown() -> Self {
        Self { start: Cow::Borrowed(b""), rest: Rest::Unknown }
    }

    /// Any number of words of which nothing is known.
    pub(super) fn many() -> Self {
        Self { start: Cow::Borrowed(b""), rest: Rest::Many }
    }

    /// The whole word, if it is known.
    pub(super) fn text(&self) -> Option<&[u8]> {
        (self.rest == Rest::Nothing).then_some(&*self.start)
    }

    /// Whether the word is this text.
    pub(super) fn is(&self, text: &str) -> bool {
        self.text() == Some(text.as_bytes())
    }

    /// Whether it may become this text, or words that begin with it.
    pub(super) fn could_be(&self, text: &str) -> bool {
        match self.rest {
            Rest::Nothing => self.is(text),
            Rest::Unknown => text.as_bytes().starts_with(&self.start),
            Rest::Many => text.as_bytes().starts_with(&self.start),
            // Where it becomes nothing, the next word stands in its place.
            Rest::Several => true,
        }
    }

    /// Whether it is known to begin so.
    pub(super) fn begins(&self, text: &str) -> bool {
        self.start.starts_with(text.as_bytes())
    }

    /// Whether both name a file of the same name, in whichever directories.
    pub(super) fn has_name(&self, path: &str) -> bool {
        self.text().is_some_and(|text| name(text) == name(path.as_bytes()))
    }
}

/// A path's last part.
pub(super) fn name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// A program's name up to its version: `gcc` of `gcc-12`.
pub(super) fn without_version(program: &[u8]) -> &[u8] {
    let is_version = |byte: &u8| byte.is_ascii_digit() || b".-".contains(byte);
    let end = program.iter().rposition(|byte| !is_version(byte)).map_or(0, |last| last + 1);
    &program[..end]
}

/// Whether a program is found by name, or lies where the sandbox lets nobody write.
pub(super) fn is_of_system(program: &[u8]) -> bool {
    let folder = &program[..program.len() - name(program).len()];
    matches!(folder, b"" | b"/bin/" | b"/usr/bin/" | b"/sbin/" | b"/usr/sbin/")
}

/// A list of words, for a person.
pub(super) fn shown(words: &[Word<'_>]) -> String {
    let words: Vec<String> = words.iter().map(show).collect();
    words.join(" ")
}

fn show(word: &Word<'_>) -> String {
    let text = String::from_utf8_lossy(&word.start);
    let plain = |c: char| c.is_alphanumeric() || "_-./:=@%+,^".contains(c);
    let shown = match !text.is_empty() && text.chars().all(plain) {
        true => text.to_string(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    };
    match word.rest {
        Rest::Nothing => shown,
        _ if text.is_empty() => "…".to_owned(),
        _ => format!("{shown}…"),
    }
}
