//! From changes that land, path by path, to the steps that land them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::edit::Edit;
use super::order::{Item, ModeStep, Order, Step};
use crate::compare::Kind;

/// A change that lands.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) edit: Edit,
    /// The merged content, and its mode.
    pub(crate) merged: Option<(Vec<u8>, u32)>,
}

/// Changes that land, by their paths, parents first.
pub(crate) type AllAccepted = BTreeMap<PathBuf, Accepted>;

/// Takes out directories that would go while something of the project's in them stays: a directory goes
/// whole or not at all. Returns them.
pub(crate) fn keep_occupied<'a>(
    accepted: &mut AllAccepted,
    staying: impl Iterator<Item = &'a Path>,
) -> BTreeSet<PathBuf> {
    let mut kept = BTreeSet::new();
    for path in staying {
        for above in path.ancestors().skip(1) {
            if kept.contains(above) {
                break;
            }
            let goes = accepted.get(above).is_some_and(|it| {
                it.edit.old_kind() == Some(Kind::Directory) && it.edit.new_kind() != Some(Kind::Directory)
            });
            if goes {
                accepted.remove(above);
                kept.insert(above.to_owned());
            }
        }
    }
    kept
}

/// Takes out what would stand in a directory that is not there and does not land. Returns it.
pub(crate) fn drop_homeless(
    accepted: &mut AllAccepted,
    is_directory_in_project: &dyn Fn(&Path) -> bool,
) -> Vec<PathBuf> {
    let mut homeless = Vec::new();
    let paths: Vec<PathBuf> = accepted.keys().cloned().collect();
    for path in paths {
        let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else { continue };
        let lands = accepted.get(&path).is_some_and(|it| it.edit.new.is_some());
        let has_home = match accepted.get(parent) {
            Some(parent) => parent.edit.new_kind() == Some(Kind::Directory),
            None => is_directory_in_project(parent),
        };
        if lands && !has_home {
            accepted.remove(&path);
            homeless.push(path);
        }
    }
    homeless
}

/// Puts the steps together.
pub(crate) fn arrange(accepted: &AllAccepted) -> Order {
    let mut order = Order::default();
    // The last step whose name is a directory before or after, to which all that is below it belongs.
    let mut whole: Option<PathBuf> = None;
    for (path, it) in accepted {
        if it.edit.stays_directory() {
            order.modes.extend(mode_step(path, &it.edit));
            continue;
        }
        let belongs = whole.as_ref().is_some_and(|above| path.starts_with(above));
        if !belongs {
            order.steps.push(Step {
                directory: path.parent().unwrap_or(Path::new("")).to_owned(),
                name: path.file_name().unwrap_or_default().into(),
                old: Vec::new(),
                new: Vec::new(),
            });
            let is_directory = |kind: Option<Kind>| kind == Some(Kind::Directory);
            whole = Some(path.clone())
                .filter(|_| is_directory(it.edit.old_kind()) || is_directory(it.edit.new_kind()));
        }
        let Some(step) = order.steps.last_mut() else { continue };
        step.old.extend(it.edit.old.clone().map(|old| (path.clone(), old)));
        step.new.extend(item(path, it));
    }
    // Steps in one directory follow each other, so that it is opened once.
    order.steps.sort_by(|one, other| (&one.directory, &one.name).cmp(&(&other.directory, &other.name)));
    order
}

fn item(path: &Path, it: &Accepted) -> Option<Item> {
    let source = it.edit.new.clone()?;
    let (merged, mode) = match &it.merged {
        Some((content, mode)) => (Some(content.clone()), *mode),
        None => (None, source.mode & 0o777),
    };
    let group = it.edit.old_group.filter(|_| it.edit.old_kind() == Some(Kind::File));
    Some(Item { path: path.to_owned(), mode, source, allocated: it.edit.allocated, group, merged })
}

fn mode_step(path: &Path, edit: &Edit) -> Option<ModeStep> {
    let (old, new) = (edit.old.clone()?, edit.new.as_ref()?);
    Some(ModeStep { path: path.to_owned(), new: landing_mode(old.mode, new.mode), old })
}

/// The permissions of the session, with the other bits as the project has them.
pub(crate) fn landing_mode(old: u32, new: u32) -> u32 {
    old & 0o7000 | new & 0o777
}
