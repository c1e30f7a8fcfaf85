//! Whether all that a patch makes can stand where it is put, and stays in the project.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::class::{Class, Refusal};
use super::entry::How;
use super::simulate::{Deed, Node};
use super::tree::Tree;
use crate::commit::links::{Links, leads_out};
use crate::commit::repository::{self, Planted, Repositories};
use crate::compare::Kind;
use crate::files::path_of;

/// Where everything stands afterwards. The paths are normal, so that two are the same if their bytes are.
pub(super) struct Places<'a> {
    deeds: &'a [Deed],
    tree: &'a dyn Tree,
    /// What is made or changed, and what goes.
    after: HashMap<&'a OsStr, Option<&'a Node>>,
    /// What goes, also where something else comes.
    removed: BTreeSet<&'a Path>,
    /// Directories of the tree of which everything goes.
    emptied: RefCell<BTreeMap<PathBuf, bool>>,
    /// Directories of what is made.
    above: HashSet<&'a OsStr>,
    /// Whether each directory would be a repository.
    layouts: RefCell<HashMap<PathBuf, bool>>,
}

impl<'a> Places<'a> {
    pub(super) fn of(deeds: &'a [Deed], tree: &'a dyn Tree) -> Self {
        let gone = deeds.iter().filter_map(|deed| Some((deed.how.removed()?.as_os_str(), None)));
        let made = deeds.iter().filter_map(|deed| Some((deed.how.target()?.as_os_str(), deed.new.as_ref())));
        let after = gone.chain(made).collect();
        let removed = deeds.iter().filter_map(|deed| deed.how.removed()).collect();
        let made = deeds.iter().filter(|deed| !matches!(deed.how, How::Modify(_)));
        let above = made.filter_map(|deed| deed.how.target()).flat_map(|path| path.ancestors().skip(1));
        let above = above.map(Path::as_os_str).collect();
        let (emptied, layouts) = (RefCell::default(), RefCell::default());
        Self { deeds, tree, after, removed, emptied, above, layouts }
    }

    /// What each deed does to repositories that a commit would not land. No name on its paths is git's own.
    pub(super) fn planted(&self) -> Vec<Vec<(PathBuf, Planted)>> {
        let of_path = |path: &Path| {
            let kind = self.in_session(path).or_else(|| self.in_project(path));
            repository::judge_without_git(path, kind, self).map(|planted| (path.to_owned(), planted))
        };
        let of_deed = |deed: &Deed| {
            let paths = [deed.how.removed(), deed.how.target()].into_iter().flatten();
            paths.filter_map(of_path).collect()
        };
        self.deeds.iter().map(of_deed).collect()
    }

    /// All that cannot stand, the first reason of each file.
    pub(super) fn refusals(&self) -> Vec<Refusal> {
        let refusal = |deed: &Deed| self.stand(deed).err().map(|it| it.of(deed.how.path()).at(deed.line));
        self.deeds.iter().filter_map(refusal).collect()
    }

    /// Whether what is made can stand there, and stays in the project.
    fn stand(&self, deed: &Deed) -> Result<(), Refusal> {
        let Some(path) = deed.how.target() else { return Ok(()) };
        if !matches!(deed.how, How::Modify(_)) {
            self.refuse_occupied(path)?;
        }
        for directory in path.ancestors().skip(1).filter(|it| !it.as_os_str().is_empty()) {
            if let Some(Some(node)) = self.after.get(directory.as_os_str()) {
                return Err(match node {
                    Node::Link(_) => behind(directory),
                    Node::File { .. } => Class::Exists.refuse("a file of the patch stands on its way"),
                });
            }
        }
        if let Some(Node::Link(target)) = &deed.new {
            let target = path_of(target.clone());
            if let Some(reason) = leads_out(path, &target, self) {
                let reason = format!("the link to `{}` is not taken: {reason}", target.display());
                return Err(Class::OutwardLink.refuse(reason));
            }
        }
        Ok(())
    }

    fn refuse_occupied(&self, path: &Path) -> Result<(), Refusal> {
        let is_gone = |it: &Path| self.after.get(it.as_os_str()) == Some(&None);
        for place in path.ancestors().filter(|it| !it.as_os_str().is_empty()) {
            // Whatever else is made there is looked at for itself.
            if is_gone(place) || (place == path && self.removed.contains(place)) {
                continue;
            }
            match self.tree.kind(place)? {
                Some(Kind::Directory) if place != path => return Ok(()),
                Some(Kind::Directory) if self.is_emptied(place)? => return Ok(()),
                Some(Kind::Directory) => return Err(Class::Exists.refuse("a directory stands there")),
                Some(Kind::Symlink) if place != path => return Err(behind(place)),
                Some(_) if place == path => return Err(Class::Exists.refuse("it is there already")),
                Some(_) => return Err(Class::Exists.refuse("what is no directory stands on its way")),
                None => {}
            }
        }
        Ok(())
    }

    /// Whether nothing is left of a directory, or nothing was in it.
    fn is_emptied(&self, directory: &Path) -> Result<bool, Refusal> {
        if let Some(known) = self.emptied.borrow().get(directory) {
            return Ok(*known);
        }
        let mut emptied = true;
        for name in self.tree.names(directory)? {
            let path = directory.join(name);
            emptied &= match self.after.get(path.as_os_str()) {
                Some(after) => after.is_none(),
                // An empty directory is nothing to a patch, unless it held something that goes.
                None => {
                    self.tree.kind(&path)? == Some(Kind::Directory)
                        && self.holds_removed(&path)
                        && self.is_emptied(&path)?
                }
            };
            if !emptied {
                break;
            }
        }
        self.emptied.borrow_mut().insert(directory.to_owned(), emptied);
        Ok(emptied)
    }

    fn is_layout(&self, directory: &Path) -> bool {
        if let Some(known) = self.layouts.borrow().get(directory) {
            return *known;
        }
        let is_layout = repository::is_layout(directory, &|path| self.in_either(path));
        self.layouts.borrow_mut().insert(directory.to_owned(), is_layout);
        is_layout
    }

    fn holds_removed(&self, directory: &Path) -> bool {
        self.removed
            .range::<Path, _>((Bound::Included(directory), Bound::Unbounded))
            .next()
            .is_some_and(|path| path.starts_with(directory))
    }
}

fn behind(link: &Path) -> Refusal {
    Class::BehindLink.refuse(format!("it lies behind the link `{}`", link.display()))
}

impl Links for Places<'_> {
    fn target(&self, path: &Path) -> Option<PathBuf> {
        match self.after.get(path.as_os_str()) {
            Some(Some(Node::Link(target))) => Some(Path::new(OsStr::from_bytes(target)).to_owned()),
            Some(_) => None,
            None => match self.tree.kind(path) {
                Ok(Some(Kind::Symlink)) => self.tree.target(path).ok(),
                _ => None,
            },
        }
    }
}

impl Repositories for Places<'_> {
    fn in_project(&self, path: &Path) -> Option<Kind> {
        self.tree.kind(path).ok().flatten()
    }

    fn in_session(&self, path: &Path) -> Option<Kind> {
        match self.after.get(path.as_os_str()) {
            Some(Some(Node::File { .. })) => Some(Kind::File),
            Some(Some(Node::Link(_))) => Some(Kind::Symlink),
            Some(None) => None,
            None if self.above.contains(path.as_os_str()) => Some(Kind::Directory),
            None => self.in_project(path),
        }
    }

    /// No patch reaches into a `.git`.
    fn was_replaced(&self, _: &Path) -> bool {
        false
    }

    fn in_either(&self, path: &Path) -> Option<Kind> {
        match self.after.get(path.as_os_str()) {
            Some(None) => self.in_project(path),
            // What the project has beside is shown by both.
            _ => self.in_session(path),
        }
    }

    fn layout_above(&self, path: &Path) -> Option<PathBuf> {
        path.ancestors().skip(1).find(|directory| self.is_layout(directory)).map(Path::to_owned)
    }
}
