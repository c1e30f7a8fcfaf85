//! The built-in profiles while they are files: found for the parser, and compiled to Rust text.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostic;
use crate::error::ProfileError;
use crate::expression::Expression as _;
use crate::load::{Found, Source};
use crate::profile::Profile;

/// Every file in it is a built-in profile.
const FOLDER: &str = "builtin";

/// The names of the built-in profiles; none where the folder cannot be read.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let stem = |path: &PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    let names: Vec<String> = paths().iter().flatten().filter_map(stem).collect();
    names.into_iter().map(|name| &*name.leak())
}

/// Finds the file of a built-in profile.
pub(crate) fn find(name: &str) -> Result<Found, ProfileError> {
    match names().find(|builtin| *builtin == name) {
        Some(_) => Source::file(&Path::new(FOLDER).join(format!("{name}.toml"))).map(Found::File),
        None => Err(ProfileError::NotFound { name: name.to_owned() }),
    }
}

/// The whole generated text: the names of the profiles, and what makes each.
pub(crate) fn compile() -> Result<String, String> {
    let mut table = String::from("pub(super) static PROFILES: &[Builtin] = &[\n");
    for path in paths()? {
        let profile = resolve(&path)?;
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let (name, make) = (&profile.name, profile.expression());
        let _ = writeln!(table, "    Builtin {{ name: {name:?}, make: || {make}, text: {text:?} }},");
    }
    table.push_str("];\n");
    Ok(table)
}

/// Reads a profile and those that it extends. A complaint begins with the place.
pub(crate) fn resolve(path: &Path) -> Result<Profile, String> {
    Profile::load(path).map_err(|error| match error {
        ProfileError::Faulty(diagnostic) => complain(&diagnostic),
        ProfileError::Unreadable { path, source } => format!("{}: {source}", path.display()),
        other => other.to_string(),
    })
}

/// In the order of the names.
fn paths() -> Result<Vec<PathBuf>, String> {
    let unreadable = |error| format!("{FOLDER}: {error}");
    let entries = fs::read_dir(FOLDER).map_err(unreadable)?;
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(unreadable)?;
    paths.sort();
    Ok(paths)
}

/// On one line, which is as much as cargo shows of an error.
fn complain(diagnostic: &Diagnostic) -> String {
    let Diagnostic { file, line, column, message, hint, .. } = diagnostic;
    let hint = hint.iter().map(|hint| format!(" ({hint})")).collect::<String>();
    format!("{file}:{line}:{column}: {message}{hint}")
}
