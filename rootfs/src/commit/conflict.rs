//! Whether the project still is what the session saw.

use std::path::Path;

use super::edit::Edit;
use super::plan::{Conflict, Did};
use crate::compare::Kind;
use crate::seen::{Memory, Seen};
use crate::sighting::Sighting;

/// Compares what the project has with what the session saw; none if nobody came between.
///
/// `read` tells the content that the project has. It is asked where all but the time of the last change is
/// the same: renaming a thing away and back, as a commit that was taken back does, changes that.
pub(crate) fn conflict(
    path: &Path,
    edit: &Edit,
    seen: &Seen,
    read: &dyn Fn(&Sighting) -> Option<Vec<u8>>,
) -> Option<Conflict> {
    let (saw, project) = match (seen.of(path), &edit.old) {
        (Memory::Unsure, _) => (None, Did::ChangedMeanwhile),
        (Memory::Unknown, _) => (None, Did::Unrecorded),
        (Memory::Known(None), None) => return None,
        (Memory::Known(None), Some(_)) => (None, Did::Added),
        (Memory::Known(saw), None) => (saw, Did::Deleted),
        (Memory::Known(Some(saw)), Some(now)) if saw.is_still(now) => return None,
        (Memory::Known(Some(saw)), Some(now)) if saw.is_same_moved(now) && is_same(path, now, seen, read) => {
            return None;
        }
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

/// Whether the content is what was kept. Of a link the target was compared already.
fn is_same(path: &Path, now: &Sighting, seen: &Seen, read: &dyn Fn(&Sighting) -> Option<Vec<u8>>) -> bool {
    match now.kind {
        Kind::File => seen.base(path).is_some_and(|base| read(now) == Some(base)),
        _ => true,
    }
}
