//! The one value of a git config file that is needed here, read by hand: git itself runs what a config says.

use std::path::PathBuf;

use crate::files::path_of;

/// The value of `core.worktree`; the last one counts, as in git. Includes are not followed.
pub(crate) fn core_worktree(config: &[u8]) -> Option<PathBuf> {
    let mut in_core = false;
    let mut found = None;
    for line in config.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii) {
        if let Some(section) = line.strip_prefix(b"[") {
            in_core =
                section.split(|&byte| byte == b']').next().is_some_and(|it| it.eq_ignore_ascii_case(b"core"));
        } else if let Some(value) = in_core.then(|| value_of(line, b"worktree")).flatten() {
            found = Some(path_of(unquote(value)));
        }
    }
    found
}

fn value_of<'a>(line: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let equals = line.iter().position(|&byte| byte == b'=')?;
    let (name, value) = (line[..equals].trim_ascii(), line[equals + 1..].trim_ascii());
    name.eq_ignore_ascii_case(key).then_some(value)
}

/// Takes quotes, escapes and a trailing comment off, as `git-config(1)` describes.
fn unquote(value: &[u8]) -> Vec<u8> {
    let (mut text, mut quoted, mut kept) = (Vec::new(), false, 0);
    let mut bytes = value.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => quoted = !quoted,
            b'#' | b';' if !quoted => break,
            b'\\' => text.extend(bytes.next().map(escaped)),
            _ => text.push(byte),
        }
        // Blanks before a comment belong to it, unless they are quoted.
        if quoted || !byte.is_ascii_whitespace() {
            kept = text.len();
        }
    }
    text.truncate(kept);
    text
}

fn escaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b't' => b'\t',
        b'b' => 8,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_worktree_is_read_as_git_reads_it() {
        let cases: [(&str, Option<&str>); 9] = [
            ("[core]\n\tworktree = ../../../sub\n", Some("../../../sub")),
            ("[CORE]\nWorkTree=x\n", Some("x")),
            ("[core]\nworktree = a ; comment\n", Some("a")),
            ("[core]\nworktree = \"a # b\"  # comment\n", Some("a # b")),
            ("[core]\nworktree = a\\\\b\\\"c\n", Some("a\\b\"c")),
            ("[core]\nworktree = a\nworktree = b\n", Some("b")),
            ("[core \"x\"]\nworktree = a\n", None),
            ("[remote \"core\"]\nworktree = a\n[core]\nbare = false\n", None),
            ("", None),
        ];
        for (config, expected) in cases {
            assert_eq!(core_worktree(config.as_bytes()), expected.map(PathBuf::from), "{config}");
        }
    }
}
