//! Arguments by which programs are told to start others, or to take code from somewhere.
//!
//! A rule allows a program with what it does by itself. Where it may be told to start any other, the words that
//! say so have to be in the rule.

use super::exposures::EXPOSURES;
use super::judge::Starts;
use super::variables::{assigned, changes_programs, is_name};
use super::word::{Rest, Word, name, without_version};

/// What of a program's arguments starts others. All that are about a program count.
pub(super) struct Exposure {
    /// Without a version, and without what it compiles for.
    pub(super) names: &'static [&'static str],
    /// Its first arguments to which this belongs; none for all of them.
    pub(super) verbs: &'static [&'static str],
    /// First arguments that start others by themselves.
    pub(super) starting: &'static [&'static str],
    /// Long options, without their dashes. Who abbreviates one means it.
    pub(super) long: &'static [&'static str],
    /// Letters of short options.
    pub(super) short: &'static [u8],
    /// What whole words are; `*` stands for anything.
    pub(super) words: &'static [&'static str],
    /// Options whose value may be the next word: `-D X` is looked at as `-D=X` as well.
    pub(super) valued: &'static [&'static str],
    /// Whether it counts no dashes, and reads `no-` away.
    pub(super) any_dashes: bool,
    /// Whether the first word is letters of options, with a dash or without.
    pub(super) cluster: bool,
    /// Whether `NAME=VALUE` sets variables.
    pub(super) sets: bool,
}

pub(super) const NONE: Exposure = Exposure {
    names: &[],
    verbs: &[],
    starting: &[],
    long: &[],
    short: b"",
    words: &[],
    valued: &[],
    any_dashes: false,
    cluster: false,
    sets: false,
};

/// The last argument by which a program starts others, or may.
pub(super) fn starts<'w>(words: &[Word<'_>]) -> Option<Starts<'w>> {
    let (program, first) = subject(words)?;
    let verb = words.get(first).and_then(Word::text).filter(|text| !text.starts_with(b"-"));
    let last = |exposure: &Exposure| {
        (first..words.len()).rfind(|at| {
            let joined = exposure.joined(&words[first..=*at]);
            exposure.is_by(&words[*at], *at == first, verb.is_some())
                || joined.is_some_and(|word| exposure.is_by(&word, *at == first, verb.is_some()))
        })
    };
    let at = EXPOSURES.iter().filter(|exposure| exposure.is_of(program, verb)).filter_map(last).max()?;
    let why = match words[at].rest {
        Rest::Nothing => "an argument tells it to start another program, or to take code from somewhere",
        _ => "an argument that is known only when it runs may tell it to start another program",
    };
    Some(Starts::Exposed { at, why })
}

/// The program's name, and where its arguments begin: `python3 -m pip` is `pip`.
fn subject<'w>(words: &'w [Word<'_>]) -> Option<(&'w [u8], usize)> {
    let program = name(words.first()?.text()?);
    let module = words.get(2).and_then(Word::text).filter(|_| words[1].is("-m"));
    match module {
        Some(module) if matches!(without_version(program), b"python" | b"pypy") => Some((module, 3)),
        _ => Some((program, 1)),
    }
}

/// Whether a variable of `make` changes what it starts: by its name, by a sign that evaluates its value at once,
/// or by what a shell finds in its value.
fn sets(start: &[u8], whole: bool) -> bool {
    let odd = |name: &[u8]| {
        !is_name(name) || changes_programs(name) || start.iter().any(|byte| b"$;&|<>()`\n".contains(byte))
    };
    !whole || assigned(start).is_some_and(odd)
}

/// Whether a word is what a pattern says, or may be once its end is known.
fn fits(pattern: &str, start: &[u8], whole: bool) -> bool {
    let mut parts = pattern.as_bytes().split(|byte| *byte == b'*');
    let first = parts.next().unwrap_or_default();
    let Some(mut left) = start.strip_prefix(first) else { return !whole && first.starts_with(start) };
    // What is known to be a path stays one, whatever its end.
    let whole = whole || (first.is_empty() && start.contains(&b'/'));
    let parts: Vec<&[u8]> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return left.is_empty() };
    for part in between {
        let found = left.windows(part.len().max(1)).position(|window| window == *part);
        match found {
            Some(at) => left = &left[at + part.len()..],
            None if part.is_empty() => {}
            None => return !whole,
        }
    }
    !whole || left.ends_with(last)
}

impl Exposure {
    fn is_of(&self, program: &[u8], verb: Option<&[u8]>) -> bool {
        let plain = without_version(program);
        let is_named = |name: &&str| {
            let of_target = plain.strip_suffix(name.as_bytes()).is_some_and(|target| target.ends_with(b"-"));
            [program, plain].contains(&name.as_bytes()) || of_target
        };
        let is_meant = |verb: &[u8]| self.verbs.iter().any(|own| own.as_bytes() == verb);
        self.names.iter().any(is_named) && (self.verbs.is_empty() || verb.is_none_or(is_meant))
    }

    /// The last of these as the value of the one before it.
    fn joined(&self, words: &[Word<'_>]) -> Option<Word<'static>> {
        let [.., option, value] = words else { return None };
        let option = option.text().filter(|text| self.valued.iter().any(|own| own.as_bytes() == *text))?;
        let start = [option, b"=", &value.start].concat();
        Some(Word { start: start.into(), rest: value.rest })
    }

    /// Whether a word exposes. Which one the verb is, is certain only of one that is the first word.
    fn is_by(&self, word: &Word<'_>, first: bool, has_verb: bool) -> bool {
        let start = &*word.start;
        let whole = word.rest == Rest::Nothing;
        if !whole && (word.rest == Rest::Many || start.is_empty() || matches!(start, b"-" | b"--")) {
            return true;
        }
        let is_word = |pattern: &&str| fits(pattern, start, whole);
        let may_be_verb = first || !has_verb;
        if self.words.iter().any(is_word)
            || (may_be_verb && self.starting.iter().any(is_word))
            || (self.sets && sets(start, whole))
        {
            return true;
        }
        if self.cluster && first && !word.begins("--") {
            return !whole || start.iter().any(|letter| self.short.contains(letter));
        }
        match start {
            [b'-', b'-', name @ ..] => self.is_long(name, whole),
            [b'-', letters @ ..] => {
                (self.any_dashes && letters.len() > 1 && self.is_long(letters, whole))
                    || letters.iter().any(|letter| self.short.contains(letter))
                    || (!whole && !self.short.is_empty())
            }
            _ => false,
        }
    }

    /// Whether a long option is meant, or may be once its end is known.
    fn is_long(&self, mut name: &[u8], whole: bool) -> bool {
        while self.any_dashes
            && let Some(less) = name.strip_prefix(b"-").or_else(|| name.strip_prefix(b"no-"))
        {
            name = less;
        }
        let equals = name.iter().position(|byte| *byte == b'=');
        let given = &name[..equals.unwrap_or(name.len())];
        let abbreviates = |long: &&str| long.as_bytes().starts_with(given);
        let grows = |long: &&str| !whole && equals.is_none() && given.starts_with(long.as_bytes());
        if given.is_empty() {
            return !whole && !self.long.is_empty();
        }
        self.long.iter().any(|long| abbreviates(long) || grows(long))
    }
}
