//! What the host has where a mount was to be taken from.

use std::path::{Path, PathBuf};

use clearing_rootfs::{Visitor, closed_on_the_way};
use clearing_runtime::Failure;
use rustix::io::Errno;

use super::facts::Facts;

/// Why it could not be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A directory on the way is closed to whoever mounts it.
    Closed,
    /// The way ends before it.
    Lost,
}

impl Source {
    /// Whether that is so of the source of a `bind(SOURCE, TARGET)` or an `open_tree(SOURCE)`.
    pub(super) fn holds(self, failure: &Failure, facts: &Facts) -> bool {
        match self {
            Self::Closed => closed(failure, facts).is_some(),
            Self::Lost => path(failure).is_some_and(|path| {
                matches!(rustix::fs::stat(path), Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP))
            }),
        }
    }
}

/// The source. One whose name has to be quoted is not told.
pub(super) fn path(failure: &Failure) -> Option<&Path> {
    let action = &failure.action;
    let quoted = action.strip_prefix("bind(\"").or_else(|| action.strip_prefix("open_tree(\""))?;
    let (path, _) = quoted.split_once('"')?;
    (!path.contains('\\')).then(|| Path::new(path))
}

/// The directory that is closed. Init mounts, and is nobody whom root's files know.
pub(super) fn closed(failure: &Failure, facts: &Facts) -> Option<PathBuf> {
    let visitor = if facts.is_root() { Visitor::Anybody } else { Visitor::Caller };
    closed_on_the_way(path(failure)?, visitor)
}
