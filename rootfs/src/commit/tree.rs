//! All that lies below a name, each thing as it is now.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::compare::Kind;
use crate::descent::{Descent, Entry, entries};
use crate::files::os_str;
use crate::sighting::Sighting;

/// Looks at `name` and at everything below it: parents first, names in order. `path` is what `name` is
/// called in the result. A directory that cannot be read is an error.
pub(crate) fn sightings_below(
    directory: BorrowedFd<'_>,
    name: &CStr,
    path: &Path,
) -> Result<Vec<(PathBuf, Sighting)>, Errno> {
    let Some(top) = Sighting::at(directory, name)? else { return Ok(Vec::new()) };
    let mut found = vec![(path.to_owned(), top)];
    if found.iter().any(|(_, top)| top.kind != Kind::Directory) {
        return Ok(found);
    }
    let mut place = Descent::new(directory.try_clone_to_owned().map_err(|_| Errno::MFILE)?);
    place.enter(name)?;
    let mut path = path.to_owned();
    let mut pending = vec![sorted(place.here())?];
    while let Some(names) = pending.last_mut() {
        let Some(Entry { name, .. }) = names.pop() else {
            pending.pop();
            if !pending.is_empty() {
                place.leave()?;
                path.pop();
            }
            continue;
        };
        let Some(sighting) = Sighting::at(place.here(), &name)? else { continue };
        path.push(os_str(&name));
        let is_directory = sighting.kind == Kind::Directory;
        found.push((path.clone(), sighting));
        if is_directory {
            place.enter(&name)?;
            pending.push(sorted(place.here())?);
        } else {
            path.pop();
        }
    }
    Ok(found)
}

/// The names, last first, so that they are taken from the end in order.
fn sorted(directory: BorrowedFd<'_>) -> Result<Vec<Entry>, Errno> {
    let mut names = entries(directory)?;
    names.sort_unstable_by(|one, other| other.name.cmp(&one.name));
    Ok(names)
}
