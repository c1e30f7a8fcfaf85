//! The line that begins with `diff --git`: two names and nothing that says where the first one ends.

use std::borrow::Cow;

use super::lines::trim_end;
use super::name::unquote;

/// What follows `diff --git `, with the number of directories to leave out.
#[derive(Clone, Copy)]
pub(super) struct HeaderLine<'a> {
    names: &'a [u8],
    strip: usize,
}

/// One way to cut the line: both names without their first directories.
type Cut<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// No two names without quotes are longer, with a prefix each.
const LONGEST: usize = 2 * (4096 + 256);

impl<'a> HeaderLine<'a> {
    pub(super) fn of(line: &'a [u8], strip: usize) -> Option<Self> {
        let names = trim_end(line).strip_prefix(b"diff --git ")?;
        Some(Self { names, strip })
    }

    /// The name that both halves have; none where they differ.
    pub(super) fn common_name(self) -> Option<Vec<u8>> {
        self.find(&|old, new| old == new).map(|(name, _)| name.into_owned())
    }

    /// Whether the line can be read as these two.
    pub(super) fn agrees(self, old: &[u8], new: &[u8]) -> bool {
        self.find(&|first, second| first == old && second == new).is_some()
    }

    fn find(self, wanted: &dyn Fn(&[u8], &[u8]) -> bool) -> Option<Cut<'a>> {
        if self.names.first() == Some(&b'"') {
            let (first, rest) = unquote(self.names).ok()?;
            // One blank stands between them; more are the second one's own, or were put there by somebody.
            let seconds = [rest.strip_prefix(b" ").unwrap_or(rest), rest.trim_ascii_start()];
            let mut seconds = seconds.into_iter().filter_map(name_after);
            return seconds.find_map(|second| self.chosen(&first, &second, wanted));
        }
        if self.names.len() > LONGEST {
            return None;
        }
        if let Some(quote) = self.names.windows(2).position(|two| two == b" \"") {
            let second = name_after(&self.names[quote + 1..])?;
            return self.chosen(&self.names[..quote], &second, wanted);
        }
        self.find_without_quotes(wanted)
    }

    /// Each blank may be the one between them. Where the names begin is known for all at once.
    fn find_without_quotes(self, wanted: &dyn Fn(&[u8], &[u8]) -> bool) -> Option<Cut<'a>> {
        let mut slashes = Vec::with_capacity(32);
        slashes.extend(memchr::memchr_iter(b'/', self.names));
        let begin_after = |start: usize| match self.strip {
            0 => Some(start),
            strip => slashes.get(slashes.partition_point(|&at| at < start) + strip - 1).map(|at| at + 1),
        };
        let first_begins = begin_after(0)?;
        for blank in (first_begins..self.names.len()).filter(|&at| matches!(self.names[at], b' ' | b'\t')) {
            let Some(second_begins) = begin_after(blank + 1) else { break };
            let (first, second) = (&self.names[first_begins..blank], &self.names[second_begins..]);
            if !first.is_empty() && !second.is_empty() && wanted(first, second) {
                return Some((first.into(), second.into()));
            }
        }
        None
    }

    fn chosen(self, first: &[u8], second: &[u8], wanted: &dyn Fn(&[u8], &[u8]) -> bool) -> Option<Cut<'a>> {
        let strip = |name| super::name::stripped(name, self.strip).ok();
        let (first, second) = (strip(first)?, strip(second)?);
        wanted(&first, &second).then(|| (first.into(), second.into()))
    }
}

/// The only name in `text`, in quotes or not.
fn name_after(text: &[u8]) -> Option<Vec<u8>> {
    if text.first() == Some(&b'"') {
        let (name, rest) = unquote(text).ok()?;
        return rest.is_empty().then_some(name);
    }
    (!text.is_empty()).then(|| text.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common(line: &str) -> Option<String> {
        HeaderLine::of(line.as_bytes(), 1)?.common_name().map(|name| String::from_utf8(name).unwrap())
    }

    #[test]
    fn the_name_is_what_both_halves_have() {
        for (line, name) in [
            ("diff --git a/x b/x\n", Some("x")),
            ("diff --git a/two words b/two words\r\n", Some("two words")),
            ("diff --git a/x b/x b/x b/x\n", Some("x b/x")),
            ("diff --git \"a/\\303\\244\" \"b/\\303\\244\"\n", Some("ä")),
            ("diff --git a/x \"b/x\"\n", Some("x")),
            ("diff --git \"a/x\" b/x\n", Some("x")),
            ("diff --git a/x b/y\n", None),
            ("diff --git x x\n", None),
        ] {
            assert_eq!(common(line).as_deref(), name, "{line}");
        }
    }

    #[test]
    fn two_names_agree_with_the_line_where_it_can_be_cut_so() {
        let line = HeaderLine::of(b"diff --git a/one two b/three four\n", 1).unwrap();
        assert!(line.agrees(b"one two", b"three four"));
        assert!(!line.agrees(b"one two", b"four") && !line.agrees(b"two", b"three four"));
    }
}
