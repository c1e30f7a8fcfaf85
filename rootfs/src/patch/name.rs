//! Names in headers, read as git reads them, and which of them a file of the project can have.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use super::class::{Class, Refusal};
use crate::commit::spelling::is_spelling_of;
use crate::files::path_of;

/// `PATH_MAX` and `NAME_MAX`.
const LONGEST_PATH: usize = 4095;
const LONGEST_NAME: usize = 255;
/// So many directories may be above a file: each is looked at, for each file.
const DEEPEST: usize = 256;

/// What ends a name that is not in quotes, besides the end of its line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// The end of the line alone.
    End,
    /// A tab, after which stands a time.
    Tab,
}

/// Whether the rest of a `---` or `+++` line says that there is no file.
pub(super) fn is_dev_null(rest: &[u8]) -> bool {
    rest.strip_prefix(b"/dev/null").is_some_and(|rest| rest.first().is_none_or(u8::is_ascii_whitespace))
}

/// The name at the start of `rest`, as it stands there, and without quotes.
pub(super) fn whole_name(rest: &[u8], until: Until) -> Result<Cow<'_, [u8]>, Refusal> {
    if rest.first() == Some(&b'"') {
        return unquote(rest).map(|(name, _)| name.into());
    }
    if rest.contains(&0) {
        return Err(nul());
    }
    let ends = |byte: &u8| *byte == b'\r' || *byte == b'\n' || (*byte == b'\t' && until == Until::Tab);
    let end = rest.iter().position(ends).unwrap_or(rest.len());
    if rest[end..].first() == Some(&b'\r') && !matches!(&rest[end..], b"\r" | b"\r\n") {
        return Err(Class::Name.refuse("a carriage return stands in a name without quotes"));
    }
    Ok(rest[..end].into())
}

/// The name without its first `strip` directories.
pub(super) fn stripped(name: &[u8], strip: usize) -> Result<Vec<u8>, Refusal> {
    if name.first() == Some(&b'/') {
        return Err(Class::Outside.refuse("the name is absolute"));
    }
    match after_slashes(name, strip) {
        Some(rest) => Ok(squash(rest)),
        None => Err(Class::Name.refuse(format!("the name has fewer than {strip} directories to leave out"))),
    }
}

fn after_slashes(name: &[u8], strip: usize) -> Option<&[u8]> {
    (0..strip).try_fold(name, |rest, _| {
        let slash = rest.iter().position(|&byte| byte == b'/')?;
        rest.get(slash + 1..)
    })
}

/// Several slashes in a row are one.
fn squash(name: &[u8]) -> Vec<u8> {
    if name.windows(2).all(|two| two != b"//") {
        return name.to_vec();
    }
    let mut squashed = Vec::with_capacity(name.len());
    for &byte in name {
        if byte != b'/' || squashed.last() != Some(&b'/') {
            squashed.push(byte);
        }
    }
    squashed
}

/// Reads a name in quotes, which have the escapes of C; and what stands behind it.
pub(super) fn unquote(text: &[u8]) -> Result<(Vec<u8>, &[u8]), Refusal> {
    let broken = || Class::Name.refuse("the quotes around a name are broken");
    let mut rest = text.strip_prefix(b"\"").ok_or_else(broken)?;
    let mut name = Vec::new();
    loop {
        let (&byte, after) = rest.split_first().ok_or_else(broken)?;
        rest = after;
        match byte {
            b'"' => return if name.contains(&0) { Err(nul()) } else { Ok((name, rest)) },
            b'\n' => return Err(broken()),
            b'\\' => {
                let (byte, after) = escape(rest).ok_or_else(broken)?;
                name.push(byte);
                rest = after;
            }
            byte => name.push(byte),
        }
    }
}

fn escape(rest: &[u8]) -> Option<(u8, &[u8])> {
    let (&letter, after) = rest.split_first()?;
    let byte = match letter {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'\\' | b'"' => letter,
        b'0'..=b'3' => {
            let digits = rest.get(..3).filter(|digits| digits.iter().all(|it| (b'0'..=b'7').contains(it)))?;
            let value = digits.iter().fold(0, |value, digit| value * 8 + (digit - b'0'));
            return Some((value, rest.get(3..)?));
        }
        _ => return None,
    };
    Some((byte, after))
}

fn nul() -> Refusal {
    Class::Nul.refuse("a name has a NUL in it, where some readers would end it and others would not")
}

/// The path, if a file of the project may have it.
pub(super) fn path(name: Vec<u8>) -> Result<PathBuf, Refusal> {
    let refuse = |class: Class, reason: &str| {
        Err(class.refuse(format!("{reason}: `{}`", name.get(..256).unwrap_or(&name).escape_ascii())))
    };
    if name.first() == Some(&b'/') {
        return refuse(Class::Outside, "the name is absolute");
    }
    if name.is_empty() || name.len() > LONGEST_PATH {
        return refuse(Class::Name, "no file has a name of this length");
    }
    if name.iter().filter(|&&byte| byte == b'/').count() > DEEPEST {
        return refuse(Class::Name, "no file lies so deep");
    }
    for component in name.split(|&byte| byte == b'/') {
        match component {
            b"" | b"." => return refuse(Class::Name, "no file has such a name"),
            it if it.len() > LONGEST_NAME => return refuse(Class::Name, "no file has so long a name"),
            // For another system a backslash ends a name.
            it if it.split(|&byte| byte == b'\\').any(|it| it == b"..") => {
                return refuse(Class::Outside, "the name leads up");
            }
            it if is_plain(it) => {}
            it if is_spelling_of(OsStr::from_bytes(it), ".git") => {
                return refuse(Class::Git, "it lies in a git directory, which no patch changes");
            }
            it if is_spelling_of(OsStr::from_bytes(it), ".gitmodules") => {
                return refuse(Class::Submodule, "it says where submodules come from");
            }
            _ => {}
        }
    }
    Ok(path_of(name))
}

/// Whether a name without a thing of what spellings of git's names are made of, as most are: neither its
/// first letter nor `~`, `:`, a backslash, nor a letter beyond ASCII.
fn is_plain(name: &[u8]) -> bool {
    !matches!(name.first(), Some(b'.'))
        && name.iter().all(|byte| byte.is_ascii() && !matches!(byte, b'~' | b':' | b'\\'))
}
