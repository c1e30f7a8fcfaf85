//! Names that do not land unasked: what they name runs by itself, or tells others what to run.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::spelling::{Spelling, fold};

/// The names, and those that the caller allows nevertheless.
#[derive(Clone, Debug, Default)]
pub struct Protected {
    /// Those that are whole names, sorted.
    names: Vec<ProtectedName>,
    /// Those that end names.
    endings: Vec<ProtectedName>,
    allowed: Vec<String>,
}

/// One name that is protected at any depth, as file, directory or link, whether it exists yet or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtectedName {
    /// The name in lower case. One that begins with `*` ends names: `*.code-workspace`.
    pub name: &'static str,
    /// What happens by itself with such a file.
    pub reason: &'static str,
}

impl Protected {
    /// These names, of which `allowed` land nevertheless.
    pub fn new(names: Vec<ProtectedName>, allowed: &[String]) -> Self {
        let (endings, mut names): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|it| it.name.starts_with('*'));
        names.sort_by_key(|protected| protected.name);
        Self { names, endings, allowed: allowed_names(allowed) }
    }

    /// Whether the caller allows what is known by this name.
    pub(crate) fn allows(&self, key: &str) -> bool {
        allows(&self.allowed, key)
    }

    /// The first name on the path that is protected and not allowed, for the many paths of one tree.
    pub(crate) fn find_known<'a>(&'a self, path: &Path, known: &Known<'a>) -> Option<&'a ProtectedName> {
        known.find(self, path).filter(|found| !self.allows(found.name))
    }

    /// The protected name that this is a spelling of; where it is one of several, one that is not allowed, if any.
    pub(crate) fn find_name(&self, name: &OsStr) -> Option<&ProtectedName> {
        let spelling = Spelling::of(name);
        let refused = self.find(&spelling, &|it| !self.allows(it.name));
        refused.or_else(|| self.find(&spelling, &|_| true))
    }

    fn find(
        &self,
        spelling: &Spelling<'_>,
        is_meant: &dyn Fn(&ProtectedName) -> bool,
    ) -> Option<&ProtectedName> {
        let whole = match spelling.plain() {
            Some(plain) => {
                let found = self.names.binary_search_by_key(&plain, |it| it.name).ok();
                found.map(|at| &self.names[at]).filter(|it| is_meant(it))
            }
            None => self.names.iter().find(|it| spelling.is_of(it.name) && is_meant(it)),
        };
        let ends = |it: &&ProtectedName| spelling.ends_with(it.name.trim_start_matches('*')) && is_meant(it);
        whole.or_else(|| self.endings.iter().find(ends))
    }
}

/// Names that were compared already: on the paths of one tree most of them come again and again.
#[derive(Debug, Default)]
pub(crate) struct Known<'a> {
    names: RefCell<HashMap<OsString, Option<&'a ProtectedName>>>,
    /// Directories on whose paths there is no protected name.
    plain: RefCell<HashSet<OsString>>,
}

impl<'a> Known<'a> {
    /// The first protected name on the path.
    fn find(&self, protected: &'a Protected, path: &Path) -> Option<&'a ProtectedName> {
        let directory = path.parent().unwrap_or(Path::new(""));
        if !self.plain.borrow().contains(directory.as_os_str()) {
            let found = directory.iter().find_map(|name| self.find_name(protected, name));
            if found.is_some() {
                return found;
            }
            self.plain.borrow_mut().insert(directory.into());
        }
        self.find_name(protected, path.file_name()?)
    }

    fn find_name(&self, protected: &'a Protected, name: &OsStr) -> Option<&'a ProtectedName> {
        if let Some(known) = self.names.borrow().get(name) {
            return *known;
        }
        let found = protected.find_name(name);
        self.names.borrow_mut().insert(name.to_owned(), found);
        found
    }
}

/// What a caller allows, as it is compared.
pub(super) fn allowed_names(allowed: &[String]) -> Vec<String> {
    allowed.iter().map(|name| fold(name.trim_end_matches('/')).into_owned()).collect()
}

/// Whether one of the `allowed` is the key, or a directory that it lies in.
pub(super) fn allows(allowed: &[String], key: &str) -> bool {
    let folded = fold(key);
    allowed.iter().any(|allowed| {
        folded.strip_prefix(allowed.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'a>(protected: &'a Protected, path: &str) -> Option<&'a ProtectedName> {
        protected.find_known(Path::new(path), &Known::default())
    }

    fn protected(allowed: &[&str]) -> Protected {
        let name = |name| ProtectedName { name, reason: "it runs" };
        let names = [".vscode", ".envrc", "*.code-workspace"].map(name).to_vec();
        Protected::new(names, &allowed.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_name_is_protected_at_any_depth_and_in_any_spelling() {
        let protected = protected(&[]);
        for path in [".vscode", "a/b/.VSCode/tasks.json", ".envrc", "x/.envrc ", "a/b.Code-Workspace"] {
            assert!(find(&protected, path).is_some(), "{path}");
        }
        for path in ["vscode", "a/envrc", "code-workspace", ".vscode.md"] {
            assert!(find(&protected, path).is_none(), "{path}");
        }
    }

    #[test]
    fn what_is_known_of_one_path_changes_nothing_for_the_next() {
        let protected = protected(&[".vscode"]);
        let known = Known::default();
        let paths = [
            "a/b/x",
            "a/b/.envrc",
            "a/b/y",
            "a/.envrc/x",
            "a/.envrc/y",
            ".vscode/x",
            ".vscode/.envrc",
            ".envrc",
        ];
        for path in paths.iter().chain(&paths) {
            let found = protected.find_known(Path::new(path), &known);
            assert_eq!(found, find(&protected, path), "{path}");
        }
        assert!(protected.find_known(Path::new("a/b/.envrc"), &known).is_some());
    }

    #[test]
    fn what_is_allowed_lands_and_nothing_else() {
        let protected = protected(&[".VSCODE/"]);
        assert!(find(&protected, ".vscode/tasks.json").is_none());
        assert!(find(&protected, ".envrc").is_some());
        assert!(protected.allows(".vscode/x") && !protected.allows(".vscodex"));
    }
}
