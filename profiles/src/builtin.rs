//! The profiles that come with the program: `builtin/*.toml`, resolved when the crate is built.
//!
//! The build script reads them with this crate's own parser, so that a run pays for the value alone.

use crate::error::ProfileError;
use crate::load::{Builtin, Found};

/// The names of the built-in profiles.
pub fn names() -> impl Iterator<Item = &'static str> {
    generated::PROFILES.iter().map(|builtin| builtin.name)
}

/// Finds a built-in profile.
pub(crate) fn find(name: &str) -> Result<Found, ProfileError> {
    let found = generated::PROFILES.iter().find(|builtin| builtin.name == name);
    found.copied().map(Found::Builtin).ok_or_else(|| ProfileError::NotFound { name: name.to_owned() })
}

mod generated {
    use super::Builtin;

    include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

    /// A list whose texts stay where the program has them.
    fn borrowed(texts: &[&'static str]) -> Vec<std::borrow::Cow<'static, str>> {
        texts.iter().copied().map(std::borrow::Cow::Borrowed).collect()
    }
}
