//! A file of the table: its form, and how a complaint about it names the place.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

/// A file as it is read, with its text for telling places.
pub(crate) struct Source {
    path: PathBuf,
    text: String,
    pub(crate) file: File,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// Names that conditions may use for numbers.
    #[serde(default)]
    pub(crate) constants: BTreeMap<String, u64>,
    #[serde(default, rename = "rule")]
    pub(crate) rules: Vec<Rule>,
    #[serde(default)]
    pub(crate) never: Vec<Never>,
}

/// One answer to some calls. With `when`, it is theirs if any list in it holds, else `otherwise` is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) calls: Vec<Spanned<String>>,
    pub(crate) answer: Answer,
    #[serde(default)]
    pub(crate) when: Vec<Vec<Spanned<String>>>,
    pub(crate) otherwise: Option<Answer>,
    #[serde(default)]
    pub(crate) reason: String,
}

/// Calls that no profile can allow.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Never {
    pub(crate) calls: Vec<Spanned<String>>,
    pub(crate) reason: String,
}

/// Printed as the variant of the crate's own `Answer`.
#[derive(Deserialize, Clone, Copy, PartialEq, Debug)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Answer {
    Allow,
    Eperm,
    Enosys,
}

/// Reads every file of the folder, in the order of their names.
pub(crate) fn read_all(folder: &Path) -> Result<Vec<Source>, String> {
    let unreadable = |error| format!("{}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(unreadable)?;
    paths.sort();
    paths.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> Result<Source, String> {
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let file = toml::from_str(&text)
        .map_err(|error| complain(&path, &text, error.span().unwrap_or_default(), error.message()))?;
    Ok(Source { path, text, file })
}

impl Source {
    /// `syscalls/files.toml:7:5: what: "the text there"`
    pub(crate) fn complain(&self, place: Range<usize>, what: &str) -> String {
        complain(&self.path, &self.text, place, what)
    }
}

fn complain(path: &Path, text: &str, place: Range<usize>, what: &str) -> String {
    let before = &text[..place.start];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("{}:{line}:{column}: {what}: {}", path.display(), &text[place])
}
