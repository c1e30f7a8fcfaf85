//! A path in JSON, whatever its bytes.

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::files::path_of;

/// A path: a string in JSON where it is UTF-8, else `{"bytes": base64}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathText(pub PathBuf);

/// The only key of a path that is no text.
const BYTES: &str = "bytes";

impl Serialize for PathText {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.to_str() {
            Some(text) => to.serialize_str(text),
            None => {
                let mut map = to.serialize_map(Some(1))?;
                map.serialize_entry(BYTES, &BASE64_STANDARD.encode(self.0.as_os_str().as_bytes()))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for PathText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(PathVisitor)
    }
}

struct PathVisitor;

impl<'de> Visitor<'de> for PathVisitor {
    type Value = PathText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path, or its bytes in base64")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<PathText, E> {
        Ok(PathText(text.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PathText, A::Error> {
        let (key, encoded): (String, String) =
            map.next_entry()?.ok_or_else(|| A::Error::missing_field(BYTES))?;
        if key != BYTES || map.next_key::<String>()?.is_some() {
            return Err(A::Error::custom("a path that is no text has `bytes` and nothing else"));
        }
        BASE64_STANDARD.decode(encoded).map(|bytes| PathText(path_of(bytes))).map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_not_utf8_travels_as_bytes_and_comes_back() {
        for (bytes, json) in [(&b"/a b"[..], r#""/a b""#), (b"/\xff", r#"{"bytes":"L/8="}"#)] {
            let path = PathText(path_of(bytes.to_vec()));
            assert_eq!(serde_json::to_string(&path).unwrap(), json);
            assert_eq!(serde_json::from_str::<PathText>(json).unwrap(), path);
        }
        for wrong in ["{}", r#"{"bytes":"L/8=","more":"x"}"#, r#"{"text":"L/8="}"#, "7", r#"{"bytes":"?"}"#] {
            serde_json::from_str::<PathText>(wrong).unwrap_err();
        }
    }
}
