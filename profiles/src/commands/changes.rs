//! What a text changes for the commands around it, by `eval` and `trap` as well.

use super::shell::{self, Dialect, Script};
use super::word::Word;

/// What may be different for all commands of a shell.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Changes {
    /// It works in another directory.
    pub(super) moves: bool,
    /// It has functions.
    pub(super) defines: bool,
    /// It has arrays.
    pub(super) arrays: bool,
}

/// What texts within texts beyond these change is not known.
const DEEPEST: u32 = 12;

impl Changes {
    const ALL: Self = Self { moves: true, defines: true, arrays: true };

    /// What a text changes.
    pub(super) fn of(script: &Script, dialect: Dialect) -> Self {
        Self::of_script(script, dialect, 0)
    }

    /// Both.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            moves: self.moves || other.moves,
            defines: self.defines || other.defines,
            arrays: self.arrays || other.arrays,
        }
    }

    fn of_script(script: &Script, dialect: Dialect, depth: u32) -> Self {
        let own = Self { moves: false, defines: script.defines, arrays: script.arrays };
        script
            .commands
            .iter()
            .fold(own, |all, command| all.and(Self::of_words(&command.words, dialect, depth)))
    }

    /// By whatever way, as `command cd`; a word that is not known may be it.
    fn of_words(words: &[Word<'_>], dialect: Dialect, depth: u32) -> Self {
        let has = |names: &[&str]| words.iter().any(|word| names.iter().any(|name| word.could_be(name)));
        let list =
            |word: &Word<'_>| word.begins("-") && word.start.iter().any(|letter| b"aA".contains(letter));
        let own = Self {
            moves: has(&["cd", "chdir", "pushd", "popd"]),
            defines: false,
            arrays: has(&["declare", "typeset", "local", "read"]) && words.iter().any(list),
        };
        let Some(at) = words.iter().position(|word| word.is("eval") || word.is("trap")) else { return own };
        let Some(texts) = words[at + 1..].iter().map(Word::text).collect::<Option<Vec<&[u8]>>>() else {
            return Self::ALL;
        };
        let texts = texts.strip_prefix(&[&b"--"[..]]).unwrap_or(&texts);
        let texts = match words[at].is("eval") {
            true => vec![texts.join(&b' ')],
            false => texts.iter().map(|text| text.to_vec()).collect(),
        };
        texts.iter().fold(own, |all, text| all.and(Self::of_text(text, dialect, depth)))
    }

    fn of_text(text: &[u8], dialect: Dialect, depth: u32) -> Self {
        match shell::read(text, dialect) {
            Ok(script) if depth < DEEPEST => Self::of_script(&script, dialect, depth + 1),
            _ => Self::ALL,
        }
    }
}
