//! Names as git writes them, and those that it takes from no diff.

use std::borrow::Cow;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::files::path_of;

/// The path after `prefix`, in quotes as a C string has them where a byte asks for it.
pub fn quoted<'a>(prefix: &str, path: &'a Path) -> Cow<'a, [u8]> {
    let name = path.as_os_str().as_bytes();
    let is_plain = |&byte: &u8| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
    if name.iter().all(is_plain) {
        return match prefix {
            "" => Cow::Borrowed(name),
            _ => Cow::Owned([prefix.as_bytes(), name].concat()),
        };
    }
    let mut text = format!("\"{prefix}").into_bytes();
    for byte in name {
        match byte {
            b'\n' => text.extend(b"\\n"),
            b'\t' => text.extend(b"\\t"),
            b'\r' => text.extend(b"\\r"),
            0x07 => text.extend(b"\\a"),
            0x08 => text.extend(b"\\b"),
            0x0b => text.extend(b"\\v"),
            0x0c => text.extend(b"\\f"),
            b'"' | b'\\' => text.extend([b'\\', *byte]),
            byte if is_plain(byte) => text.push(*byte),
            byte => text.extend(format!("\\{byte:03o}").bytes()),
        }
    }
    text.push(b'"');
    Cow::Owned(text)
}

/// The part of the path that keeps git from taking it from a diff: a git directory of any spelling that some
/// file system understands, or a link that git reads as its own settings.
pub(super) fn refused_by_git(path: &Path, is_link: bool) -> Option<PathBuf> {
    let bytes = path.as_os_str().as_bytes();
    let mut start = 0;
    loop {
        let rest = &bytes[start..];
        let end = rest.iter().position(|&byte| byte == b'/' || byte == b'\\').unwrap_or(rest.len());
        let is_last = start + end == bytes.len();
        if is_git_directory(&rest[..end]) || (is_link && is_last && is_git_settings(&rest[..end])) {
            let up_to = bytes[start + end..].iter().position(|&byte| byte == b'/');
            let length = up_to.map_or(bytes.len(), |more| start + end + more);
            return Some(path_of(bytes[..length].to_vec()));
        }
        if is_last {
            return None;
        }
        start += end + 1;
    }
}

/// `.git`, and `git~1`, which is its short name, with the ends that some file systems pass over.
fn is_git_directory(name: &[u8]) -> bool {
    let name = trimmed(name);
    name.eq_ignore_ascii_case(b".git") || name.eq_ignore_ascii_case(b"git~1")
}

fn is_git_settings(name: &[u8]) -> bool {
    let name = trimmed(name).to_ascii_lowercase();
    name == b".gitmodules" || (name.starts_with(b"gitmod~") || name.starts_with(b"gi7eba~"))
}

fn trimmed(name: &[u8]) -> &[u8] {
    let name = name.split(|&byte| byte == b':').next().unwrap_or(name);
    let kept = name.iter().rposition(|&byte| byte != b' ' && byte != b'.').map_or(0, |last| last + 1);
    &name[..kept]
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::ffi::OsStr;

    fn path(bytes: &[u8]) -> &Path {
        Path::new(OsStr::from_bytes(bytes))
    }

    #[test]
    fn a_name_is_in_quotes_where_a_line_could_not_hold_it_otherwise() {
        let cases: [(&[u8], &[u8]); 5] = [
            (b"plain name", b"a/plain name"),
            (b"two\nlines", b"\"a/two\\nlines\""),
            (b"\x01\x7f", b"\"a/\\001\\177\""),
            (b"q\"b\\s", b"\"a/q\\\"b\\\\s\""),
            (b"\xc3\xa4\xff", b"\"a/\\303\\244\\377\""),
        ];
        for (name, expected) in cases {
            assert_eq!(quoted("a/", path(name)), expected);
        }
    }

    #[test]
    fn what_git_takes_from_no_diff_is_known_by_its_name() {
        let cases = [
            (".git/config", Some(".git")),
            ("sub/.GIT/hooks/x", Some("sub/.GIT")),
            ("git~1/x", Some("git~1")),
            (".git. ./x", Some(".git. .")),
            (".git:stream/x", Some(".git:stream")),
            ("a\\.git/x", Some("a\\.git")),
            (".gitignore", None),
            (".github/x", None),
            ("x.git/config", None),
            (".gitmodules", None),
        ];
        for (name, expected) in cases {
            assert_eq!(refused_by_git(name.as_ref(), false).as_deref(), expected.map(Path::new), "{name}");
        }
        assert!(refused_by_git(".gitmodules".as_ref(), true).is_some());
    }
}
