//! Links to what does not land unasked, or not at all: who writes through one changes what it leads to, and who reads
//! through one shows what is hidden under another name.

use std::path::{Path, PathBuf};

use super::protected::Protected;
use super::spelling::is_spelling_of;
use crate::hidden::Hidden;

/// What a link leads to.
#[derive(Debug)]
pub(crate) struct Led<'a> {
    /// Where that lies, or what lies above it.
    pub(crate) place: &'a Path,
    /// The name that the caller may allow.
    pub(crate) name: &'a str,
    /// Why it does not land unasked.
    pub(crate) reason: &'a str,
}

impl Led<'_> {
    pub(crate) const GIT: &'static str = ".git";

    pub(crate) fn text(&self) -> String {
        format!("it leads to `{}`: {}", self.place.display(), self.reason)
    }
}

/// The first of the places that a link leads to or through which is protected, or lies in a git directory, and is not
/// allowed.
pub(crate) fn led<'a>(places: &'a [PathBuf], protected: &'a Protected) -> Option<Led<'a>> {
    let protects = |place: &'a PathBuf| {
        place.iter().find_map(|name| {
            if is_spelling_of(name, Led::GIT) {
                let reason = "it is a repository, whose hooks and configuration git obeys";
                return Some(Led { place, name: Led::GIT, reason });
            }
            let found = protected.find_name(name)?;
            Some(Led { place, name: found.name, reason: found.reason })
        })
    };
    places.iter().filter_map(protects).find(|led| !protected.allows(led.name))
}

/// Why a link that leads to or through these places shows what is hidden, or would be if it were there.
pub(crate) fn led_to_hidden(places: &[PathBuf], hidden: &Hidden) -> Option<String> {
    let (place, rule) = places.iter().find_map(|place| Some((place, hidden.keeps(place)?)))?;
    Some(format!("it leads to `{}`, which is hidden by {rule}", place.display()))
}
