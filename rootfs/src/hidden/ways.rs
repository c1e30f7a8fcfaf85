//! The ways from a project's top to some of its paths.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::folded;

/// Some paths, what leads to them, and what is in them, in any spelling.
#[derive(Debug, Default)]
pub(super) struct Ways {
    ends: HashSet<PathBuf>,
    leading: HashSet<PathBuf>,
}

impl Ways {
    pub(super) fn to<'a>(paths: impl Iterator<Item = &'a Path>) -> Self {
        let mut ways = Self::default();
        for path in paths.map(folded) {
            for above in path.ancestors().skip(1) {
                // Whatever leads to a directory that is known is known as well.
                if !ways.leading.insert(above.to_owned()) {
                    break;
                }
            }
            ways.ends.insert(path);
        }
        ways
    }

    /// Whether the path is on one of the ways, or lies in what one leads to.
    pub(super) fn lead_to(&self, path: &Path) -> bool {
        let path = folded(path);
        self.leading.contains(&path) || path.ancestors().any(|above| self.ends.contains(above))
    }
}
