//! Names that clearing gives: short, random, and safe as a file's.

use std::ffi::CString;
use std::fmt;

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use serde::{Deserialize, Serialize};

/// A session's own name, `s-` and eight characters; one that a person gave it stands beside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionId(String);

/// A layer's own name, `l-` and twelve characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LayerId(String);

/// Neither vowels nor look-alikes: no word comes up by chance, and none is read wrongly.
const LETTERS: &[u8; 32] = b"23456789bcdfghjkmnpqrstvwxzBCDFG";

impl SessionId {
    pub(crate) const PREFIX: &str = "s-";

    pub(crate) fn random() -> Result<Self, Errno> {
        random(8).map(|letters| Self(format!("{}{letters}", Self::PREFIX)))
    }

    /// None unless it can be an id.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        is_id(text, Self::PREFIX).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn file_name(&self) -> CString {
        file_name(&self.0)
    }
}

impl LayerId {
    pub(crate) const PREFIX: &str = "l-";

    pub(crate) fn random() -> Result<Self, Errno> {
        random(12).map(|letters| Self(format!("{}{letters}", Self::PREFIX)))
    }

    /// Whether the text can be an id.
    pub(crate) fn may_be(text: &str) -> bool {
        is_id(text, Self::PREFIX)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn file_name(&self) -> CString {
        file_name(&self.0)
    }
}

/// Whether a person may give a session or a snapshot this name: letters, digits, `.`, `_` and `-`, at most 64
/// of them, the first a letter or digit.
pub(crate) fn is_name(text: &str) -> bool {
    let ok = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let first = text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    first && text.len() <= 64 && text.bytes().all(ok)
}

/// An id becomes part of a path, so a record that somebody edited must not lead elsewhere.
fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| {
        !rest.is_empty() && rest.len() <= 32 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn random(length: usize) -> Result<String, Errno> {
    let mut bytes = vec![0_u8; length];
    getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

/// Ids hold no NUL byte.
fn file_name(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

macro_rules! text_of_an_id {
    ($id:ident) => {
        impl TryFrom<String> for $id {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                if is_id(&text, Self::PREFIX) { Ok(Self(text)) } else { Err(format!("`{text}` is no id")) }
            }
        }

        impl From<$id> for String {
            fn from(id: $id) -> Self {
                id.0
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_of_an_id!(SessionId);
text_of_an_id!(LayerId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_never_leads_elsewhere() {
        for wrong in ["", "s-", "l-abc", "s-..", "s-a/b", "../s-ab", "s-\0", "s-a b"] {
            assert!(SessionId::parse(wrong).is_none(), "{wrong:?}");
            serde_json::from_value::<SessionId>(wrong.into()).unwrap_err();
        }
        let id = SessionId::random().unwrap();
        assert_eq!(SessionId::parse(id.as_str()), Some(id));
    }

    #[test]
    fn names_are_words() {
        let names = ["a", "fix-1.2_b", "9", &"x".repeat(64)];
        assert!(names.into_iter().all(is_name));
        let wrong = ["", ".", "..", "-x", "a/b", "a b", "ä", "a\n", &"x".repeat(65)];
        assert!(!wrong.into_iter().any(is_name));
    }
}
