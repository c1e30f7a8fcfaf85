//! Whether the project still is what the session saw.

use std::path::Path;

use super::edit::Edit;
use super::plan::{Conflict, Did};
use crate::seen::{Memory, Seen};

/// Compares what the project has with what the session saw; none if nobody came between.
pub(crate) fn conflict(path: &Path, edit: &Edit, seen: &Seen) -> Option<Conflict> {
    let (saw, project) = match (seen.of(path), &edit.old) {
        (Memory::Unsure, _) => (None, Did::ChangedMeanwhile),
        (Memory::Unknown, _) => (None, Did::Unrecorded),
        (Memory::Known(None), None) => return None,
        (Memory::Known(None), Some(_)) => (None, Did::Added),
        (Memory::Known(saw), None) => (saw, Did::Deleted),
        (Memory::Known(Some(saw)), Some(now)) if saw.is_still(now) => return None,
        (Memory::Known(saw), Some(_)) => (saw, Did::Changed),
    };
    let session = match (&edit.new, saw, &edit.old) {
        (None, ..) => Did::Deleted,
        (Some(_), None, None) => Did::Added,
        (Some(_), None, Some(_)) if project == Did::Added => Did::Added,
        _ => Did::Changed,
    };
    Some(Conflict { path: path.to_owned(), session, project })
}
