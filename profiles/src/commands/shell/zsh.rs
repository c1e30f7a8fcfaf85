//! What zsh reads as other shells do, where nothing of its own has a meaning: plain words, quotes, variables
//! by their names, and the most common signs.

use super::{Read, Unread};

const OWN: Unread = Unread("zsh may read it in a way of its own");

/// Its commands, but for those that are judged elsewhere. Many evaluate a value as code, or change what others are.
#[rustfmt::skip]
pub(in super::super) const BUILTINS: &[&str] = &[
    "-", ".", "[", "alias", "autoload", "bg", "bindkey", "builtin", "bye", "chdir", "command", "comparguments", "compcall", "compctl", "compdescribe",
    "compfiles", "compgroups", "compquote", "compset", "comptags", "comptry", "compvalues", "compadd", "declare", "dirs", "disable", "disown",
    "echotc", "echoti", "emulate", "enable", "eval", "exec", "export", "fc", "fg", "float", "functions", "getln", "getopts", "hash", "history",
    "integer", "jobs", "kill", "let", "limit", "local", "log", "logout", "noglob", "popd", "print", "printf", "private", "pushd", "pushln", "r",
    "read", "readonly", "rehash", "sched", "set", "setopt", "source", "suspend", "test", "time", "times", "trap", "ttyctl", "type", "typeset",
    "ulimit", "umask", "unalias", "unfunction", "unhash", "unlimit", "unset", "unsetopt", "vared", "wait", "whence", "where", "which", "zcompile",
    "zformat", "zle", "zmodload", "zparseopts", "zregexparse", "zstyle",
];

/// Refuses whatever is not plain.
pub(super) fn plain(mut text: &[u8]) -> Read<()> {
    let mut before = b' ';
    while let Some((&byte, rest)) = text.split_first() {
        text = match byte {
            b'\'' => behind(b'\'', rest)?,
            b'"' => double(rest)?,
            b'$' => variable(rest)?,
            b'&' | b'|' | b'<' | b'>' => sign(text)?,
            // `=NAME` is where a program lies.
            b'=' if b" \t\n;&|<>".contains(&before) => return Err(OWN),
            b' ' | b'\t' | b'\n' | b';' | b'_' | b'-' | b'.' | b'/' | b':' | b',' | b'@' | b'%' | b'+'
            | b'=' => rest,
            byte if byte.is_ascii_alphanumeric() => rest,
            _ => return Err(OWN),
        };
        before = byte;
    }
    Ok(())
}

/// A variable's name that is none of the shell's own, of which some are numbers and some are lists of paths.
pub(super) fn is_own(name: &[u8]) -> bool {
    name.iter().all(u8::is_ascii_lowercase) && !name.ends_with(b"path")
}

fn behind(quote: u8, text: &[u8]) -> Read<&[u8]> {
    let end = text.iter().position(|byte| *byte == quote).ok_or(OWN)?;
    Ok(&text[end + 1..])
}

fn double(mut text: &[u8]) -> Read<&[u8]> {
    while let Some((&byte, rest)) = text.split_first() {
        text = match (byte, rest.first()) {
            (b'"', _) => return Ok(rest),
            (b'$', _) => variable(rest)?,
            (b'`' | b'!', _) | (b'\\', None | Some(b'\n')) => return Err(OWN),
            (b'\\', Some(_)) => &rest[1..],
            _ => rest,
        };
    }
    Err(OWN)
}

/// `$NAME` and `$?`, with nothing behind that is an index, a modifier, or more of the name.
fn variable(text: &[u8]) -> Read<&[u8]> {
    let length = match text.first() {
        Some(b'?') => 1,
        Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => {
            text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count()
        }
        _ => return Err(OWN),
    };
    let rest = &text[length..];
    match rest.first() {
        Some(b'[' | b':' | 0x80..) => Err(OWN),
        _ => Ok(rest),
    }
}

fn sign(text: &[u8]) -> Read<&[u8]> {
    const SIGNS: &[&[u8]] = &[b"&&", b"||", b">>", b">&1", b">&2", b"&", b"|", b"<", b">"];
    let sign = SIGNS.iter().find(|sign| text.starts_with(sign)).ok_or(OWN)?;
    let rest = &text[sign.len()..];
    match rest.first() {
        Some(b'&' | b'|' | b'<' | b'>' | b';') => Err(OWN),
        _ => Ok(rest),
    }
}
