//! The profiles that come with the program.

/// The names of the built-in profiles.
pub fn names() -> impl Iterator<Item = &'static str> {
    PROFILES.iter().map(|(name, _)| *name)
}

/// The name, as a constant, and the text of a built-in profile.
pub(crate) fn profile(name: &str) -> Option<(&'static str, &'static str)> {
    PROFILES.iter().find(|(builtin, _)| *builtin == name).copied()
}

const PROFILES: &[(&str, &str)] = &[("default", include_str!("../builtin/default.toml"))];
