//! A tool's file or directory in the caller's home, which a variable may move.

use std::path::{Path, PathBuf};

use crate::files::{Environment, normalize};

/// Below the directory that a variable names, else at its usual place in the home.
pub(crate) struct HomePlace {
    variable: Option<&'static str>,
    below: &'static str,
    usual: &'static str,
}

/// A place that nothing moves.
pub(crate) const fn fixed(usual: &'static str) -> HomePlace {
    HomePlace { variable: None, below: "", usual }
}

/// A place that `variable` names, but for what comes `below` that.
pub(crate) const fn moved(variable: &'static str, below: &'static str, usual: &'static str) -> HomePlace {
    HomePlace { variable: Some(variable), below, usual }
}

/// The caller's home directory, in which most places of most tools are not there.
pub(crate) struct Home<'a> {
    path: &'a Path,
    /// Whether what is right below the home exists: asked once for the many places in `.cache`.
    tops: Vec<(&'static str, bool)>,
}

impl<'a> Home<'a> {
    pub(crate) fn new(path: &'a Path) -> Self {
        Self { path, tops: Vec::new() }
    }

    /// Where this caller has the place; none if it is outside of the home, the home itself, or surely not there.
    pub(crate) fn locate(&mut self, place: &HomePlace, environment: Environment<'_>) -> Option<PathBuf> {
        let named = place.variable.and_then(environment).map(PathBuf::from);
        if let Some(directory) = named.filter(|path| path.is_absolute()) {
            let path = normalize(&directory.join(place.below));
            return (path.starts_with(self.path) && path != self.path).then_some(path);
        }
        let top = place.usual.split('/').next()?;
        self.has(top).then(|| self.path.join(place.usual))
    }

    fn has(&mut self, top: &'static str) -> bool {
        if let Some((_, exists)) = self.tops.iter().find(|(known, _)| *known == top) {
            return *exists;
        }
        let exists = self.path.join(top).symlink_metadata().is_ok();
        self.tops.push((top, exists));
        exists
    }
}
