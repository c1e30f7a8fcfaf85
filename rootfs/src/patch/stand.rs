//! Whether all that a patch makes can stand where it is put, and stays in the project.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::class::{Class, Refusal};
use super::entry::How;
use super::simulate::{Deed, Node};
use super::tree::Tree;
use crate::commit::links::{Links, leads_out, places};
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
    /// Directories in which, and above which, nothing is made that is no directory.
    passable: RefCell<HashSet<&'a OsStr>>,
    /// The nearest directory, from each one up, that would be a repository.
    layouts: RefCell<HashMap<OsString, Option<PathBuf>>>,
}

impl<'a> Places<'a> {
    pub(super) fn of(deeds: &'a [Deed], tree: &'a dyn Tree) -> Self {
        let gone = deeds.iter().filter_map(|deed| Some((deed.how.removed()?.as_os_str(), None)));
        let made = deeds.iter().filter_map(|deed| Some((deed.how.target()?.as_os_str(), deed.new.as_ref())));
        let mut after = HashMap::with_capacity(deeds.len());
        after.extend(gone.chain(made));
        let removed = deeds.iter().filter_map(|deed| deed.how.removed()).collect();
        let made = deeds.iter().filter(|deed| !matches!(deed.how, How::Modify(_)));
        let mut above = HashSet::new();
        for path in made.filter_map(|deed| deed.how.target()) {
            // Where one is known, all above it are.
            path.ancestors().skip(1).map(Path::as_os_str).take_while(|it| above.insert(*it)).for_each(drop);
        }
        let (emptied, passable, layouts) = (RefCell::default(), RefCell::default(), RefCell::default());
        Self { deeds, tree, after, removed, emptied, above, passable, layouts }
    }

    /// What each deed does to repositories that a commit would not land, or all that cannot stand, the first reason
    /// of each file. No name on the paths is git's own.
    pub(super) fn planted(&self) -> Result<Vec<Vec<(PathBuf, Planted)>>, Vec<Refusal>> {
        let refusal = |deed: &'a Deed| self.stand(deed).err().map(|it| it.of(deed.how.path()).at(deed.line));
        let refused: Vec<Refusal> = self.deeds.iter().filter_map(refusal).collect();
        if !refused.is_empty() {
            return Err(refused);
        }
        let of_path = |path: &Path| {
            let kind = || self.in_session(path).or_else(|| self.in_project(path));
            repository::judge_without_git(path, &kind, self).map(|planted| (path.to_owned(), planted))
        };
        let of_deed = |deed: &Deed| {
            let paths = [deed.how.removed(), deed.how.target()].into_iter().flatten();
            paths.filter_map(of_path).collect()
        };
        Ok(self.deeds.iter().map(of_deed).collect())
    }

    /// Where each deed that makes a link has it lead, to and through.
    pub(super) fn leads(&self) -> Vec<Vec<PathBuf>> {
        let of_deed = |deed: &Deed| match (deed.how.target(), &deed.new) {
            (Some(path), Some(Node::Link(target))) => places(path, &path_of(target.clone()), self),
            _ => Vec::new(),
        };
        self.deeds.iter().map(of_deed).collect()
    }

    /// Whether what is made can stand there, and stays in the project.
    fn stand(&self, deed: &'a Deed) -> Result<(), Refusal> {
        let Some(path) = deed.how.target() else { return Ok(()) };
        if !matches!(deed.how, How::Modify(_)) {
            self.refuse_occupied(path)?;
        }
        self.refuse_behind_made(path)?;
        if let Some(Node::Link(target)) = &deed.new {
            let target = path_of(target.clone());
            if let Some(reason) = leads_out(path, &target, self) {
                let reason = format!("the link to `{}` is not taken: {reason}", target.display());
                return Err(Class::OutwardLink.refuse(reason));
            }
        }
        Ok(())
    }

    fn refuse_behind_made(&self, path: &'a Path) -> Result<(), Refusal> {
        let (mut passable, mut passed) = (self.passable.borrow_mut(), Vec::new());
        let mut directory = above(path.as_os_str());
        while let Some(here) = directory.filter(|it| !passable.contains(it)) {
            match self.after.get(here) {
                Some(Some(Node::Link(_))) => return Err(behind(Path::new(here))),
                Some(Some(Node::File { .. })) => {
                    return Err(Class::Exists.refuse("a file of the patch stands on its way"));
                }
                Some(None) | None => passed.push(here),
            }
            directory = above(here);
        }
        passable.extend(passed);
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

    /// Each directory is looked at once, however many of the paths lie below it.
    fn layout_from(&self, directory: &OsStr) -> Option<PathBuf> {
        if let Some(known) = self.layouts.borrow().get(directory) {
            return known.clone();
        }
        let nearest = match repository::is_layout(Path::new(directory), &|path| self.in_either(path)) {
            true => Some(PathBuf::from(directory)),
            false => above(directory).and_then(|directory| self.layout_from(directory)),
        };
        self.layouts.borrow_mut().insert(directory.to_owned(), nearest.clone());
        nearest
    }

    /// What a session shows under a path of which the patch makes `after`.
    fn kind_by(&self, after: Option<Option<&Node>>, path: &Path) -> Option<Kind> {
        match after {
            Some(Some(Node::File { .. })) => Some(Kind::File),
            Some(Some(Node::Link(_))) => Some(Kind::Symlink),
            Some(None) => None,
            None if self.above.contains(path.as_os_str()) => Some(Kind::Directory),
            None => self.in_project(path),
        }
    }

    fn holds_removed(&self, directory: &Path) -> bool {
        self.removed
            .range::<Path, _>((Bound::Included(directory), Bound::Unbounded))
            .next()
            .is_some_and(|path| path.starts_with(directory))
    }
}

/// The directory of a normal path; none of the top, which is the empty path.
fn above(path: &OsStr) -> Option<&OsStr> {
    let bytes = Some(path.as_bytes()).filter(|path| !path.is_empty())?;
    let end = memchr::memrchr(b'/', bytes).unwrap_or(0);
    Some(OsStr::from_bytes(&bytes[..end]))
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
        self.kind_by(self.after.get(path.as_os_str()).copied(), path)
    }

    /// No patch reaches into a `.git`.
    fn was_replaced(&self, _: &Path) -> bool {
        false
    }

    fn in_either(&self, path: &Path) -> Option<Kind> {
        match self.after.get(path.as_os_str()).copied() {
            Some(None) => self.in_project(path),
            // What the project has beside is shown by both.
            after => self.kind_by(after, path),
        }
    }

    fn layout_above(&self, path: &Path) -> Option<PathBuf> {
        above(path.as_os_str()).and_then(|directory| self.layout_from(directory))
    }
}
