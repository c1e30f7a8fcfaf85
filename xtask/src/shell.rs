//! Runs other programs for a chore.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::Result;

/// The repository's top directory.
pub(crate) fn top() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// `cargo` in the top directory, the one that runs this chore.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).current_dir(top());
    cargo
}

/// Says what is run, runs it, and fails if it does.
pub(crate) fn run(command: &mut Command) -> Result {
    eprintln!("$ {}", line(command));
    let status = command.status().map_err(|error| format!("{}: {error}", line(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{}: {status}", line(command)).into()) }
}

/// Runs it in silence; what it prints is the answer, and part of the error if it fails.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } =
        command.output().map_err(|error| format!("{}: {error}", line(command)))?;
    if !status.success() {
        return Err(format!("{}: {status}\n{}", line(command), String::from_utf8_lossy(&stderr)).into());
    }
    Ok(String::from_utf8_lossy(&stdout).into_owned())
}

/// Whether it runs and succeeds; it prints nothing.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Where the search path has a program.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

/// The regular files below a directory whose names are such.
pub(crate) fn find_files(directory: &Path, is_such: impl Fn(&str) -> bool + Copy) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            found.extend(find_files(&entry.path(), is_such)?);
        } else if kind.is_file() && entry.file_name().to_str().is_some_and(is_such) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// A word that a shell takes as it is.
pub(crate) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
