//! Tool roots: what of the host must be seen for the programs that the caller's `PATH` names to run.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use crate::files::{Environment, is_under};
use crate::places::Place;
use crate::reach::Visitor;
use crate::tool_finder::Finder;

/// What is known of the caller's tools.
#[derive(Clone, Copy)]
pub struct ToolRequest<'a> {
    /// The caller's `PATH`.
    pub path: &'a OsStr,
    /// The caller's home directory.
    pub home: Option<&'a Path>,
    /// The project, canonical: what lies in it comes from the overlay.
    pub project: &'a Path,
    /// The state directory.
    pub state: &'a Path,
    /// Who goes to what lies outside of the home directory.
    pub visitor: Visitor,
    /// The caller's environment, for variables such as `PYENV_ROOT`.
    pub environment: Environment<'a>,
}

/// What is to be shown, read-only, each at its own path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolRoots {
    /// Sorted; none lies inside another.
    pub roots: Vec<ToolRoot>,
    /// Variables that the tools of these roots read, and that are set: worth handing in.
    pub variables: Vec<&'static str>,
    /// Entries of `PATH`, and what their links lead to, that are not shown.
    pub skipped: Vec<(PathBuf, Skipped)>,
}

/// One directory, or one file, of the caller's tools. Links to it are followed on the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ToolRoot {
    /// On the host and inside.
    pub path: PathBuf,
    /// Whether it lies in the home directory, by whichever name.
    pub in_home: bool,
    /// Files and directories below it that exist and must not be seen.
    pub leave_out: Vec<PathBuf>,
}

/// Why an entry of `PATH` is not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// Relative, or with `..` in it: it would mean another directory in another place.
    Relative,
    /// Nothing is there.
    Absent,
    /// Whoever is to go there may not search this directory.
    Closed(PathBuf),
    /// It is a place that is never shown as a whole.
    Forbidden(Place),
}

/// Shown to every command anyway.
const BASE: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// Finds what to show for each entry of `PATH`: the layout known by name that it belongs to, else the virtual
/// environment, else the directory and what its links lead to.
///
/// Never shown as a whole are the home directory, what holds it, the system's directories and the state directory.
pub fn tool_roots(request: &ToolRequest<'_>) -> ToolRoots {
    let mut finder = None;
    let mut skipped = Vec::new();
    let mut seen: Vec<PathBuf> = Vec::new();
    for entry in std::env::split_paths(request.path) {
        if seen.contains(&entry) || in_base(&entry) {
            continue;
        }
        let goes_up = entry.components().any(|part| part == Component::ParentDir);
        let outcome = if entry.is_relative() || goes_up {
            Err(Skipped::Relative)
        } else {
            finder.get_or_insert_with(|| Finder::new(request)).add_entry(&entry)
        };
        skipped.extend(outcome.err().map(|why| (entry.clone(), why)));
        seen.push(entry);
    }
    let mut found = finder.map(Finder::finish).unwrap_or_default();
    found.skipped = [skipped, found.skipped].concat();
    found
}

/// Whether the path lies in what every command sees.
pub(crate) fn in_base(path: &Path) -> bool {
    BASE.iter().any(|base| is_under(path, base))
}

#[cfg(test)]
mod tests;
