//! Where a program that could not be executed was seen on the host.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clearing_runtime::Failure;

use super::facts::Facts;

/// What the host has under the program's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sighting {
    /// Nothing.
    Nowhere,
    /// A directory.
    Directory,
    /// A file without a permission to execute it.
    NotExecutable,
    /// A script whose interpreter the host does not have either.
    NoInterpreter,
    /// A script that the host could execute.
    Script,
    /// Any other file that the host could execute.
    Binary,
}

/// Looks for the program of an `execve(NAME)`; the path is that of the interpreter for a script.
pub(super) fn sight(failure: &Failure, facts: &Facts) -> (Sighting, PathBuf) {
    let Some(path) = candidates(&failure.action, facts).into_iter().find(|path| path.exists()) else {
        return (Sighting::Nowhere, PathBuf::new());
    };
    if path.is_dir() {
        return (Sighting::Directory, path);
    }
    if !path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0) {
        return (Sighting::NotExecutable, path);
    }
    match interpreter(&head(&path)) {
        Some(interpreter) if interpreter.exists() => (Sighting::Script, interpreter),
        Some(interpreter) => (Sighting::NoInterpreter, interpreter),
        None => (Sighting::Binary, path),
    }
}

/// The name of an `execve(NAME)`.
pub(super) fn name(action: &str) -> &str {
    action.strip_prefix("execve(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(action)
}

fn candidates(action: &str, facts: &Facts) -> Vec<PathBuf> {
    let name = name(action);
    if name.contains('/') {
        return vec![PathBuf::from(name)];
    }
    let directories = std::env::split_paths(&facts.path).filter(|entry| entry.is_absolute());
    directories.map(|entry| entry.join(name)).collect()
}

/// The kernel reads no more than 256 bytes of an interpreter line.
fn head(path: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    let read = rustix::fs::open(path, rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty())
        .map(|file| std::fs::File::from(file).take(256).read_to_end(&mut head));
    // What cannot be read names no interpreter.
    if read.is_ok() { head } else { Vec::new() }
}

fn interpreter(head: &[u8]) -> Option<PathBuf> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let text = String::from_utf8_lossy(line);
    text.split_whitespace().next().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_is_the_first_word_of_its_line() {
        assert_eq!(interpreter(b"#! /usr/bin/env python3\nx"), Some("/usr/bin/env".into()));
        assert_eq!(interpreter(b"#!/bin/sh"), Some("/bin/sh".into()));
        assert_eq!(interpreter(b"\x7fELF"), None);
        assert_eq!(interpreter(b"#!\n/bin/sh"), None);
    }

    #[test]
    fn a_bare_name_is_looked_for_in_absolute_entries_alone() {
        let facts = Facts { path: "bin:/usr/bin::/bin".into(), ..Facts::default() };
        let expected = [PathBuf::from("/usr/bin/x"), PathBuf::from("/bin/x")];
        assert_eq!(candidates("execve(x)", &facts), expected);
        assert_eq!(candidates("execve(./x)", &facts), [PathBuf::from("./x")]);
    }
}
