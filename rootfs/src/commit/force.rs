//! Directories that do not let their own owner work in them, such as those of mode 555.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::order::{ModeRecord, Order};
use super::target::Target;
use crate::path_text::PathText;

/// Read, write and search, for the owner.
pub(crate) const FORCED: u32 = 0o700;

/// Marks, among the modes that change, the directories that have to be opened for the time of the commit,
/// and adds those whose mode stays. Parents come first.
pub(crate) fn mark(
    target: &Target,
    order: &Order,
    modes: &mut Vec<ModeRecord>,
) -> Result<(), (PathBuf, Errno)> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let worked_in = order.steps.iter().map(|step| step.directory.as_path());
    let led_through = order.modes.iter().filter_map(|mode| mode.path.parent());
    let all: BTreeSet<&Path> = worked_in.chain(led_through).flat_map(Path::ancestors).collect();
    for path in all {
        let now = target.sighting(path).map_err(|errno| (path.to_owned(), errno))?;
        let Some(now) = now.filter(|now| now.mode & FORCED != FORCED) else { continue };
        match modes.iter_mut().find(|mode| mode.path.0 == path) {
            Some(mode) => mode.forced = true,
            None => modes.push(ModeRecord {
                path: PathText(path.to_owned()),
                inode: now.inode,
                old: now.mode,
                new: now.mode,
                forced: true,
            }),
        }
    }
    modes.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(())
}
