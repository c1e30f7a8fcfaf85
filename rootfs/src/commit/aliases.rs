//! Protected names of the project that are links: what they lead to is protected as well.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use super::edit::Edits;
use super::links::places;
use super::protected::Protected;
use super::spelling::is_spelling_of;
use super::target::Target;
use super::view::View;
use crate::descent::entries;
use crate::files::os_str;

/// The places that such links lead to.
#[derive(Debug, Default)]
pub(crate) struct Aliases(Vec<Alias>);

/// One of them.
#[derive(Debug)]
pub(crate) struct Alias {
    /// Where it may lead to, and through.
    places: Vec<PathBuf>,
    pub(crate) link: PathBuf,
    pub(crate) name: String,
    pub(crate) reason: String,
}

impl Aliases {
    /// Looks for links in the directories that lead to what changes.
    pub(crate) fn of(edits: &Edits, target: &Target, protected: &Protected, view: &View<'_>) -> Self {
        let mut directories: BTreeSet<&Path> = BTreeSet::new();
        for path in edits.keys() {
            // Whatever leads to a directory that is known is known as well.
            let _known = path.ancestors().skip(1).find(|above| !directories.insert(above));
        }
        let mut aliases = Vec::new();
        for directory in directories {
            let names = target.directory(directory).and_then(|opened| entries(opened.as_fd()));
            let links = names.unwrap_or_default();
            for link in links.iter().filter(|entry| entry.kind == FileType::Symlink) {
                aliases.extend(alias(
                    &directory.join(os_str(&link.name)),
                    os_str(&link.name),
                    protected,
                    view,
                ));
            }
        }
        Self(aliases)
    }

    /// The first that leads to the path, or to what it lies in, and is not allowed.
    pub(crate) fn find(&self, path: &Path, protected: &Protected) -> Option<&Alias> {
        let leads_here = |alias: &&Alias| alias.places.iter().any(|place| path.starts_with(place));
        self.0.iter().filter(leads_here).find(|alias| !protected.allows(&alias.name))
    }
}

fn alias(link: &Path, name: &OsStr, protected: &Protected, view: &View<'_>) -> Option<Alias> {
    let (name, reason) = if is_spelling_of(name, ".git") {
        (".git", "it is a repository, whose hooks and configuration git obeys")
    } else {
        protected.find_name(name).map(|found| (found.name, found.reason))?
    };
    let found = view.project.find(link).ok()??;
    let places = places(link, &view.project.read_link(link, &found).ok()?, view);
    Some(Alias { places, link: link.to_owned(), name: name.to_owned(), reason: reason.to_owned() })
}
