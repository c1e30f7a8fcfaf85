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

impl HomePlace {
    /// Where this caller has it; none if that is outside of the home or the home itself.
    pub(crate) fn locate(&self, home: &Path, environment: Environment<'_>) -> Option<PathBuf> {
        let named = self.variable.and_then(environment).map(PathBuf::from);
        let path = match named.filter(|path| path.is_absolute()) {
            Some(directory) => normalize(&directory.join(self.below)),
            None => home.join(self.usual),
        };
        (path.starts_with(home) && path != home).then_some(path)
    }
}
