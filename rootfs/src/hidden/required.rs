//! What a path must hold to be matched by a pattern, as far as that is plain without compiling it.

use std::borrow::Cow;

/// Of each of several patterns what a path must hold, by the first byte of that: most signs of a path begin none.
#[derive(Debug)]
pub(super) struct Required {
    texts: [Vec<Box<[u8]>>; 256],
    /// Which two bytes one of them may begin with.
    pairs: Pairs,
    /// One of the patterns requires nothing.
    is_nothing: bool,
}

impl Required {
    pub(super) fn of<'p>(patterns: impl Iterator<Item = Cow<'p, str>>) -> Self {
        let mut all = Self { texts: [const { Vec::new() }; 256], pairs: Pairs::default(), is_nothing: false };
        for pattern in patterns {
            let text = required(&pattern).as_bytes();
            match text {
                [] => all.is_nothing = true,
                [only] => (0..=u8::MAX).for_each(|second| all.pairs.insert(*only, second)),
                [first, second, ..] => all.pairs.insert(*first, *second),
            }
            if let Some(first) = text.first() {
                all.texts[usize::from(*first)].push(text.into());
            }
        }
        all
    }

    /// Whether the path holds what one of them requires.
    pub(super) fn is_met(&self, path: &[u8]) -> bool {
        let begins = |(at, first): (usize, &u8)| {
            path.get(at + 1).is_none_or(|second| self.pairs.contains(*first, *second))
                && self.texts[usize::from(*first)].iter().any(|text| path[at..].starts_with(text))
        };
        self.is_nothing || path.iter().enumerate().any(begins)
    }
}

/// Two bytes that follow each other, one bit for each.
#[derive(Debug)]
struct Pairs(Box<[[u64; 4]; 256]>);

impl Default for Pairs {
    fn default() -> Self {
        Self(Box::new([[0; 4]; 256]))
    }
}

impl Pairs {
    fn insert(&mut self, first: u8, second: u8) {
        self.0[usize::from(first)][usize::from(second / 64)] |= 1 << (second % 64);
    }

    fn contains(&self, first: u8, second: u8) -> bool {
        self.0[usize::from(first)][usize::from(second / 64)] & 1 << (second % 64) != 0
    }
}

/// The longest text without a slash that all hold which the pattern matches; empty where that may be nothing.
fn required(pattern: &str) -> &str {
    // In brackets and braces stands what may be there; a backslash makes the next sign another one.
    let plain = pattern.split(['[', '{', '\\']).next().unwrap_or_default();
    plain.split(['*', '?', '/']).max_by_key(|run| run.len()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use globset::GlobBuilder;
    use proptest::prelude::*;

    use super::{Required, required};

    #[test]
    fn the_longest_run_of_plain_signs_is_required() {
        let cases = [
            (".env", ".env"),
            ("id_*", "id_"),
            ("*.pem", ".pem"),
            (".aws/credentials", "credentials"),
            ("a/**/bc", "bc"),
            ("{a,b}c", ""),
            ("x[ab]yyy", "x"),
            ("a\\*bb", "a"),
            ("*", ""),
        ];
        for (pattern, expected) in cases {
            assert_eq!(required(pattern), expected, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_matched_without_it(pattern in "[ab/*?.{},\\[\\]!\\\\]{1,8}", path in "[ab/.*]{0,6}") {
            let glob = GlobBuilder::new(&pattern).literal_separator(true).build();
            let is_match = glob.is_ok_and(|glob| glob.compile_matcher().is_match(&path));
            prop_assert!(!is_match || path.contains(required(&pattern)), "{pattern} {path}");
        }

        #[test]
        fn what_one_of_several_requires_is_found_wherever_it_stands(
            patterns in prop::collection::vec("[abc*]{0,3}", 0..5),
            path in "[abc/]{0,8}",
        ) {
            let is_met = patterns.iter().any(|pattern| path.contains(required(pattern)));
            prop_assert_eq!(Required::of(patterns.into_iter().map(Cow::Owned)).is_met(path.as_bytes()), is_met);
        }
    }
}
