//! Bytes from outside as text: for a terminal, and for JSON.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// A path: a string in JSON where it is UTF-8, else `{"bytes": base64}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathText(pub(crate) std::path::PathBuf);

impl Serialize for PathText {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.to_str() {
            Some(text) => to.serialize_str(text),
            None => {
                let mut map = to.serialize_map(Some(1))?;
                map.serialize_entry("bytes", &BASE64_STANDARD.encode(self.0.as_os_str().as_bytes()))?;
                map.end()
            }
        }
    }
}

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

    #[test]
    fn a_path_that_is_not_utf8_travels_as_bytes() {
        let path = |bytes| PathText(Path::new(OsStr::from_bytes(bytes)).to_owned());
        assert_eq!(serde_json::to_string(&path(b"/a b")).expect("json"), r#""/a b""#);
        assert_eq!(serde_json::to_string(&path(b"/\xff")).expect("json"), r#"{"bytes":"L/8="}"#);
    }
}
