//! One name in all the spellings that some file system takes for the same.
//!
//! A project may be checked out again on another system, or lie on a file system that folds case. So a
//! protected name is one in every spelling, wherever this runs.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// A name, folded once to be compared with many.
pub(crate) struct Spelling<'n> {
    name: Cow<'n, str>,
    /// Whether it is spelled in one way alone: nothing in it is any system's own.
    is_plain: bool,
}

impl<'n> Spelling<'n> {
    pub(crate) fn of(name: &'n OsStr) -> Self {
        let name = match String::from_utf8_lossy(name.as_bytes()) {
            Cow::Borrowed(name) => fold(name),
            Cow::Owned(name) => fold(&name).into_owned().into(),
        };
        let is_plain = !name.contains(['\\', ':', '~']) && !name.ends_with(['.', ' ']);
        Self { name, is_plain }
    }

    /// The name in its only spelling; none where there are others.
    pub(crate) fn plain(&self) -> Option<&str> {
        self.is_plain.then_some(&self.name)
    }

    /// Whether one of the systems below would take the name for `protected`, which is in lower case.
    ///
    /// - Case is folded, as HFS+, APFS, NTFS and ext4 with `casefold` do.
    /// - Code points that HFS+ ignores are left out.
    /// - What follows a `:` names a stream of NTFS; dots and spaces at the end are dropped by Windows, and a
    ///   backslash there separates two names.
    /// - `NAME~1` is how NTFS calls a long name in short, and `NA1234~1` how it does when there are many.
    pub(crate) fn is_of(&self, protected: &str) -> bool {
        // So is nearly every name, and each is compared with hundreds.
        if self.is_plain {
            return self.name == protected;
        }
        let mut parts = self.name.split('\\').map(end_as_windows_does);
        parts.any(|part| part == protected || is_short_for(part, protected))
    }

    /// Whether the name ends so, as Windows would have it.
    pub(crate) fn ends_with(&self, ending: &str) -> bool {
        self.name.trim_end_matches(['.', ' ']).ends_with(ending)
    }
}

/// Whether the name is a spelling of this one alone.
pub(crate) fn is_spelling_of(name: &OsStr, protected: &str) -> bool {
    Spelling::of(name).is_of(protected)
}

/// The name in lower case, without what HFS+ ignores.
pub(crate) fn fold(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(name);
    }
    let seen = name.chars().filter(|character| !is_ignored(*character));
    // By way of upper case: some letters, such as the long s, meet the plain ones only there.
    seen.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

fn is_ignored(character: char) -> bool {
    matches!(character,
        '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

fn end_as_windows_does(part: &str) -> &str {
    let name = part.split_once(':').map_or(part, |(name, _)| name);
    name.trim_end_matches(['.', ' '])
}

/// The rules of short names: no leading dots, at most six characters (or two and four digits of a hash), a
/// tilde, a number, and at most three characters of the extension.
fn is_short_for(part: &str, protected: &str) -> bool {
    let (stem, extension) = part.rsplit_once('.').unwrap_or((part, ""));
    let Some((begin, number)) = stem.rsplit_once('~') else { return false };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let long = protected.trim_start_matches('.');
    let (long_stem, long_extension) = long.rsplit_once('.').unwrap_or((long, ""));
    let plain: String = long_stem.chars().filter(|character| !matches!(character, '.' | ' ')).collect();
    let hash =
        begin.get(2..).is_some_and(|hash| hash.len() == 4 && hash.bytes().all(|it| it.is_ascii_hexdigit()));
    let begins = |length: usize| plain.get(..length.min(plain.len())).unwrap_or(&plain);
    let same_begin = begin == begins(6) || hash && begin.get(..2) == Some(begins(2));
    same_begin && extension == long_extension.get(..3).unwrap_or(long_extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_git_is_git() {
        let spellings: [&[u8]; 15] = [
            b".git",
            b".GIT",
            b".Git",
            b".git.",
            b".git . .",
            b".git ",
            b".git::$INDEX_ALLOCATION",
            b".git:stream",
            b"git~1",
            b"GIT~1",
            b"git~12",
            ".g\u{200c}it".as_bytes(),
            "\u{feff}.git".as_bytes(),
            b"x\\.git",
            b".git\\config",
        ];
        for name in spellings {
            assert!(is_spelling_of(OsStr::from_bytes(name), ".git"), "{}", name.escape_ascii());
        }
    }

    #[test]
    fn short_names_follow_the_rules_of_ntfs() {
        let cases = [
            ("vscode~1", ".vscode"),
            ("gitmod~1", ".gitmodules"),
            ("gi7eba~1", ".gitmodules"),
            ("mcp~1.jso", ".mcp.json"),
            ("BASH_P~2", ".bash_profile"),
            (".ba\u{17f}hrc", ".bashrc"),
        ];
        for (name, protected) in cases {
            assert!(is_spelling_of(OsStr::new(name), protected), "{name}");
        }
    }

    #[test]
    fn other_names_are_other_names() {
        let cases = [
            ("git", ".git"),
            (".gitignore", ".git"),
            (".github", ".git"),
            ("agit~1", ".git"),
            ("git~", ".git"),
            ("git~x", ".git"),
            (".git2", ".git"),
            ("a.git", ".git"),
            (".vscodes", ".vscode"),
            ("vsco~1", ".vscode"),
        ];
        for (name, protected) in cases {
            assert!(!is_spelling_of(OsStr::new(name), protected), "{name}");
        }
        assert!(!is_spelling_of(OsStr::from_bytes(b".g\xffit"), ".git"));
    }
}
