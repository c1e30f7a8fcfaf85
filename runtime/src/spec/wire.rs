//! One description for two readers: people, who get text, and init, which gets every byte.

/// A path: for people with U+FFFD where it is not UTF-8.
pub(crate) mod path {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::{Path, PathBuf};

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            to.serialize_str(&path.to_string_lossy())
        } else {
            to.serialize_bytes(path.as_os_str().as_bytes())
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        <&[u8]>::deserialize(from).map(|bytes| OsStr::from_bytes(bytes).into())
    }
}

/// Several paths.
pub(crate) mod paths {
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize)]
    struct Borrowed<'a>(#[serde(with = "super::path")] &'a Path);

    #[derive(Deserialize)]
    struct Owned(#[serde(with = "super::path")] PathBuf);

    pub(crate) fn serialize<S: Serializer>(paths: &[PathBuf], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(paths.iter().map(|path| Borrowed(path)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PathBuf>, D::Error> {
        Ok(Vec::deserialize(from)?.into_iter().map(|Owned(path)| path).collect())
    }
}

/// What a file holds: for people its length.
pub(super) mod content {
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(in crate::spec) fn serialize<S: Serializer>(content: &[u8], to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            to.serialize_u64(content.len() as u64)
        } else {
            to.serialize_bytes(content)
        }
    }

    pub(in crate::spec) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        <&[u8]>::deserialize(from).map(<[u8]>::to_vec)
    }
}
