//! A project of so many files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::CHANGED;
use crate::{Result, shell};

/// Files in one directory, at most.
const TOGETHER: usize = 100;

pub(super) struct Tree {
    pub(super) top: PathBuf,
    pub(super) files: usize,
}

impl Tree {
    /// Makes the files, and a repository that has them.
    pub(super) fn make(top: &Path, files: usize) -> Result<Self> {
        let tree = Self { top: top.to_owned(), files };
        for directory in 0..files.div_ceil(together(files)) {
            fs::create_dir_all(top.join(directory.to_string()))?;
        }
        for file in 0..files {
            // No two are alike, and git can make them smaller, as it can text.
            let line = format!("{file} in {files}: a line of some text\n");
            fs::write(top.join(tree.name(file)), line.repeat(tree.size() / line.len() + 1))?;
        }
        for arguments in [&["init", "-q"][..], &["add", "-A"], &["commit", "-qm", "all"]] {
            shell::read(&mut tree.git(arguments))?;
        }
        Ok(tree)
    }

    /// Of one file: 1 MB in 100 files, 20 KB each in more.
    fn size(&self) -> usize {
        if self.files <= 100 { 10_000 } else { 20_000 }
    }

    pub(super) fn bytes(&self) -> usize {
        self.files * self.size()
    }

    pub(super) fn git(&self, arguments: &[&str]) -> Command {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "gc.auto=0"]);
        git.args(arguments).current_dir(&self.top);
        git
    }

    /// A script that changes some files, otherwise each round.
    pub(super) fn change(&self, round: usize) -> String {
        let every = (self.files / CHANGED).max(1);
        let names: Vec<String> = (0..CHANGED).map(|file| self.name(file * every % self.files)).collect();
        format!("for f in {}; do echo {round} >> $f; done", names.join(" "))
    }

    fn name(&self, file: usize) -> String {
        format!("{}/{file}", file / together(self.files))
    }
}

/// What changes lies in a directory of its own each, at all sizes: in how many there are changes has a price,
/// too.
fn together(files: usize) -> usize {
    (files / CHANGED).clamp(1, TOGETHER)
}
