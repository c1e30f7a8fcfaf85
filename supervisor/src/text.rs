//! Bytes from outside as text for a terminal.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// A path as one line of text without control characters, which a terminal would obey.
pub(crate) fn printable(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() || is_directional(character) {
                text.extend(character.escape_default());
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// Text of several lines without any other control character.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if character != '\n' && (character.is_control() || is_directional(character)) {
            plain.extend(character.escape_default());
        } else {
            plain.push(character);
        }
    }
    plain
}

/// Characters that reorder what stands around them.
fn is_directional(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn a_terminal_sees_no_control_characters_of_a_name() {
        let name = OsStr::from_bytes(b"a\x1b[2Jb\n\xff\xe2\x80\xae\xc3\xa4");
        assert_eq!(printable(Path::new(name)), "a\\u{1b}[2Jb\\n\\xff\\u{202e}ä");
    }
}
