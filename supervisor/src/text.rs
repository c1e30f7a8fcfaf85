//! Bytes from outside as text for a terminal.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde::Serialize;

/// A path as one line of text without control characters, which a terminal would obey.
pub(crate) fn printable(path: &Path) -> String {
    shown(path.as_os_str().as_bytes(), is_obeyed)
}

/// A line of a file as text without control characters, but with its tabs.
pub(crate) fn printable_line(line: &[u8]) -> String {
    shown(line, |character| character != '\t' && is_obeyed(character))
}

fn shown(bytes: &[u8], is_escaped: impl Fn(char) -> bool) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_escaped(character) {
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

/// Text as one line: a name that holds a line's end must not begin another one.
pub(crate) fn line(text: &str) -> String {
    plain(text).replace('\n', "\\n")
}

/// What need not be acted upon, as a line of ours on standard error.
pub(crate) fn note(note: &str) -> String {
    format!("clearing: note: {}\n", line(note))
}

/// Text of several lines without any other control character.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if character != '\n' && is_obeyed(character) {
            plain.extend(character.escape_default());
        } else {
            plain.push(character);
        }
    }
    plain
}

/// A value as one line of JSON without its end.
pub(crate) fn json(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(escaped)
}

/// JSON or TOML with every character written as its number that a terminal would obey; it says the same. Line ends
/// and tabs stand between values only, and stay.
pub(crate) fn escaped(text: String) -> String {
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte) || matches!(byte, b'\n' | b'\t')) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_obeyed(character) && !matches!(character, '\n' | '\t') {
            let _ = write!(escaped, "\\u{:04x}", character as u32);
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Control characters, those that reorder what stands around them, and those that end a line elsewhere.
pub(crate) fn is_obeyed(character: char) -> bool {
    let is_directional = matches!(
        character,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}'
    );
    is_directional || matches!(character, '\u{2028}' | '\u{2029}') || character.is_control()
}

/// Bytes as a person reads them.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut rest = number as f64;
    let mut unit = "B";
    for larger in UNITS {
        if rest < 1024.0 {
            break;
        }
        (rest, unit) = (rest / 1024.0, larger);
    }
    if unit == "B" { format!("{number} B") } else { format!("{rest:.1} {unit}") }
}

/// How many bytes stand before a character that has begun at the end of `bytes` and not ended; all of what is no text.
pub(crate) fn whole_characters(bytes: &[u8]) -> usize {
    // No character is longer than four bytes, so that the rest need not be looked at.
    let last = bytes.len().saturating_sub(4);
    let start = (last..bytes.len()).find(|at| bytes[*at] & 0xc0 != 0x80).unwrap_or(bytes.len());
    match std::str::from_utf8(&bytes[start..]) {
        Err(error) if error.error_len().is_none() => start + error.valid_up_to(),
        _ => bytes.len(),
    }
}

/// Lines whose cells stand below each other.
pub(crate) fn table<const N: usize>(lines: &[[String; N]]) -> String {
    let lines: Vec<[String; N]> = lines.iter().map(|cells| cells.each_ref().map(|cell| line(cell))).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let row = |line: &[String; N]| {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    lines.iter().map(row).collect()
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

    #[test]
    fn json_says_the_same_without_what_a_terminal_obeys() {
        let text = "a\u{7f}\u{9b}2J\u{202e}\u{2028}\u{1b}\n\tä";
        let line = json(&text).expect("json");
        assert_eq!(line, r#""a\u007f\u009b2J\u202e\u2028\u001b\n\tä""#);
        assert_eq!(serde_json::from_str::<String>(&line).expect("json"), text);
    }

    #[test]
    fn what_is_no_text_waits_for_no_end_of_a_character() {
        assert_eq!(whole_characters(b"\xff\xfe"), 2);
        assert_eq!(whole_characters(b"ab\xe2\x82"), 2);
        assert_eq!(whole_characters("ab\u{20ac}".as_bytes()), 5);
        assert_eq!(whole_characters(b"\x80\x80\x80\x80\x80"), 5);
        assert_eq!(whole_characters(b""), 0);
    }

    #[test]
    fn sizes_are_told_in_the_largest_unit_that_fits() {
        let told = [0, 1023, 1024, 1536, 5 << 20, 3 << 40].map(bytes);
        assert_eq!(told, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "5.0 MiB", "3.0 TiB"]);
    }
}
