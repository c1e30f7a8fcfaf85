//! The profiles that come with the program: `builtin/*.toml`, resolved when the crate is built.
//!
//! The build script reads them with this crate's own parser, so that a run pays for the value alone.

use crate::error::ProfileError;
use crate::load::Found;
use crate::profile::Profile;

/// The names of the built-in profiles.
pub fn names() -> impl Iterator<Item = &'static str> {
    generated::PROFILES.iter().map(|(name, _)| *name)
}

/// Finds a built-in profile.
pub(crate) fn find(name: &str) -> Result<Found, ProfileError> {
    let found = generated::PROFILES.iter().find(|(builtin, _)| *builtin == name);
    let (_, make) = found.ok_or_else(|| ProfileError::NotFound { name: name.to_owned() })?;
    Ok(Found::Builtin(*make))
}

/// A name, and what makes the profile.
type Builtin = (&'static str, fn() -> Profile);

mod generated {
    use super::Builtin;

    include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

    /// A list whose texts stay where the program has them.
    fn borrowed(texts: &[&'static str]) -> Vec<std::borrow::Cow<'static, str>> {
        texts.iter().copied().map(std::borrow::Cow::Borrowed).collect()
    }
}
