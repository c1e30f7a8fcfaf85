//! The repository's files, as the rules look at them.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use super::lexer;
use crate::{Result, shell};

/// Every file that is, or is about to be, committed.
pub(super) struct Tree {
    pub(super) files: Vec<File>,
}

pub(super) struct File {
    /// From the top directory.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
}

/// A Rust file, read twice: as written, and as code alone.
pub(super) struct Source<'t> {
    pub(super) path: &'t str,
    pub(super) text: &'t str,
    /// The text with comments and literals blanked; lines correspond.
    pub(super) code: String,
}

impl Tree {
    pub(super) fn of_repository() -> Result<Self> {
        let mut git = Command::new("git");
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(shell::top());
        let listed = shell::read(&mut git)?;
        let mut files = Vec::new();
        for path in listed.split_terminator('\0') {
            // Listed and not there: deleted, and the deletion is yet to be committed.
            if let Ok(bytes) = fs::read(shell::top().join(path)) {
                files.push(File { path: path.to_owned(), bytes });
            }
        }
        Ok(Self { files })
    }

    /// The text files of that name, anywhere.
    pub(super) fn named<'t>(&'t self, name: &'t str) -> impl Iterator<Item = (&'t str, &'t str)> {
        let texts = self.files.iter().filter_map(|file| Some((file.path.as_str(), file.text()?)));
        texts.filter(move |(path, _)| path.rsplit('/').next() == Some(name))
    }

    /// The workspace's own Rust files; those of fixtures are material, not code.
    pub(super) fn sources(&self) -> impl Iterator<Item = Source<'_>> {
        let rust =
            self.files.iter().filter(|file| file.path.ends_with(".rs") && !file.path.contains("/fixtures/"));
        rust.filter_map(|file| {
            let text = file.text()?;
            Some(Source { path: &file.path, text, code: lexer::blank(text) })
        })
    }

    /// The members' manifests, by their folders.
    pub(super) fn manifests(&self) -> BTreeMap<&str, toml::Table> {
        let members = self.named("Cargo.toml").filter_map(|(path, text)| Some((path.split_once('/')?, text)));
        let direct = members.filter(|((_, rest), _)| *rest == "Cargo.toml");
        direct.filter_map(|((folder, _), text)| Some((folder, toml::from_str(text).ok()?))).collect()
    }
}

impl File {
    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }
}

impl Source<'_> {
    /// The folder at the top that the file lies in.
    pub(super) fn folder(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// Whether the file ships: not a test, a chore or a build script.
    pub(super) fn is_product(&self) -> bool {
        let is_test = self.path.ends_with("tests.rs") || self.path.contains("/tests/");
        !matches!(self.folder(), "tests" | "xtask") && self.path.contains("/src/") && !is_test
    }

    /// The code without the tests that stand at its end.
    pub(super) fn code_without_tests(&self) -> &str {
        let tests =
            self.code.match_indices("#[cfg(test)]\nmod ").find(|(at, _)| is_inline(&self.code[*at..]));
        tests.map_or(&self.code, |(at, _)| &self.code[..at])
    }
}

fn is_inline(module: &str) -> bool {
    module.find(['{', ';']).is_some_and(|at| module[at..].starts_with('{'))
}

/// The line, counted from 1, that the byte at `at` lies in.
pub(super) fn line_at(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

/// The lines of `code` that hold `word` as a whole word, counted from 1.
pub(super) fn lines_with(code: &str, word: &str) -> Vec<usize> {
    let lines = code.lines().enumerate();
    lines.filter(|(_, line)| holds_word(line, word)).map(|(at, _)| at + 1).collect()
}

fn holds_word(line: &str, word: &str) -> bool {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(is_name) && !line[at + word.len()..].starts_with(is_name))
}

#[cfg(test)]
pub(super) fn tree(files: &[(&str, &str)]) -> Tree {
    let file =
        |(path, text): &(&str, &str)| File { path: (*path).to_owned(), bytes: text.as_bytes().to_vec() };
    Tree { files: files.iter().map(file).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whole() {
        assert_eq!(lines_with("unsafe_code\nunsafe {\n(unsafe)", "unsafe"), [2, 3]);
    }

    #[test]
    fn inline_tests_are_left_out_and_declared_ones_change_nothing() {
        let tree = tree(&[
            ("a/src/inline.rs", "fn a() {}\n#[cfg(test)]\nmod tests { fn b() {} }\n"),
            ("a/src/apart.rs", "#[cfg(test)]\nmod tests;\nfn a() {}\n"),
        ]);
        let code: Vec<_> = tree.sources().map(|source| source.code_without_tests().to_owned()).collect();
        assert_eq!(code, ["fn a() {}\n", "#[cfg(test)]\nmod tests;\nfn a() {}\n"]);
    }

    #[test]
    fn fixtures_are_no_sources() {
        assert_eq!(tree(&[("tests/fixtures/rust/src/lib.rs", "")]).sources().count(), 0);
    }
}
