//! Bytes and amounts, as JSON has them.

use std::borrow::Cow;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounds::{BASE64, NO_NUL};

/// A word of a command line: a string, or `{"bytes": base64}` where it is not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Word {
    /// UTF-8.
    Text(#[schemars(regex(pattern = NO_NUL))] String),
    /// Anything.
    Bytes(WordBytes),
}

/// Base64.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WordBytes {
    /// In base64.
    #[schemars(regex(pattern = BASE64))]
    bytes: String,
}

impl Word {
    /// What the kernel is given.
    pub(crate) fn decode(&self) -> Result<OsString, String> {
        match self {
            Self::Text(text) => Ok(text.into()),
            Self::Bytes(WordBytes { bytes }) => Ok(OsString::from_vec(decode(bytes)?)),
        }
    }
}

/// A program's text: a string, or `{"bytes": base64}` where it is not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Code {
    /// UTF-8.
    Text(String),
    /// Anything.
    Bytes(WordBytes),
}

impl Code {
    /// What is written into the file.
    pub(crate) fn decode(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::Text(text) => Ok(text.clone().into_bytes()),
            Self::Bytes(WordBytes { bytes }) => decode(bytes),
        }
    }
}

/// Bytes that travel as `text` where they are UTF-8, else as `bytes` in base64.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub(crate) struct Content<'a> {
    /// UTF-8, cut between characters alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<Cow<'a, str>>,
    /// In base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<String>,
}

impl<'a> Content<'a> {
    /// Encodes.
    pub(crate) fn of(content: &'a [u8]) -> Self {
        match std::str::from_utf8(content) {
            Ok(text) => Self { text: Some(Cow::Borrowed(text)), bytes: None },
            Err(_) => Self { text: None, bytes: Some(BASE64_STANDARD.encode(content)) },
        }
    }
}

impl Content<'static> {
    /// The same of bytes that are given away.
    pub(crate) fn owned(content: Vec<u8>) -> Self {
        match String::from_utf8(content) {
            Ok(text) => Self { text: Some(Cow::Owned(text)), bytes: None },
            Err(error) => Self { text: None, bytes: Some(BASE64_STANDARD.encode(error.as_bytes())) },
        }
    }
}

/// One of `text` and `bytes`, decoded.
pub(crate) fn content(text: Option<String>, bytes: Option<&str>) -> Result<Vec<u8>, String> {
    match (text, bytes) {
        (Some(text), None) => Ok(text.into_bytes()),
        (None, Some(bytes)) => decode(bytes),
        (None, None) | (Some(_), Some(_)) => Err("one of `text` and `bytes` is wanted".into()),
    }
}

fn decode(bytes: &str) -> Result<Vec<u8>, String> {
    BASE64_STANDARD.decode(bytes).map_err(|error| format!("`bytes` is no base64: {error}"))
}

/// A limit: a number, or as a person writes it: `"1G"`, `"30s"`, `"none"`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Amount {
    /// Bytes, milliseconds or a count.
    Whole(u64),
    /// Processors.
    Fraction(f64),
    /// With its unit.
    Text(String),
}
