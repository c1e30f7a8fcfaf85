//! A directory tree as plain data, so that two states of it can be compared.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Every path below a directory, with all that a change of it would show in.
#[derive(Debug, PartialEq, Eq)]
pub struct Tree(BTreeMap<PathBuf, Entry>);

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    mode: u32,
    owner: (u32, u32),
    modified: (i64, i64),
    contents: u64,
}

impl Tree {
    /// Reads the tree below `root`, following no link.
    ///
    /// # Panics
    ///
    /// If some of it cannot be read.
    pub fn of(root: &Path) -> Self {
        let mut entries = BTreeMap::new();
        let mut waiting = vec![root.to_owned()];
        while let Some(path) = waiting.pop() {
            let metadata =
                fs::symlink_metadata(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            if metadata.is_dir() {
                waiting.extend(
                    fs::read_dir(&path).expect("a readable directory").flatten().map(|entry| entry.path()),
                );
            }
            let relative = path.strip_prefix(root).expect("walked from the root").to_owned();
            entries.insert(relative, Entry::of(&path, &metadata));
        }
        Self(entries)
    }

    /// Demands that nothing was added, removed or changed since `before`, and names what was.
    ///
    /// # Panics
    ///
    /// If anything was.
    #[track_caller]
    pub fn expect_same_as(&self, before: &Self) {
        let paths: std::collections::BTreeSet<_> = self.0.keys().chain(before.0.keys()).collect();
        let differing: Vec<_> =
            paths.into_iter().filter(|path| self.0.get(*path) != before.0.get(*path)).collect();
        assert!(differing.is_empty(), "the tree was touched: {differing:?}");
    }
}

impl Entry {
    fn of(path: &Path, metadata: &Metadata) -> Self {
        let mut hasher = DefaultHasher::new();
        if metadata.is_symlink() {
            fs::read_link(path).expect("a readable link").hash(&mut hasher);
        } else if metadata.is_file() {
            fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).hash(&mut hasher);
        }
        Self {
            mode: metadata.mode(),
            owner: (metadata.uid(), metadata.gid()),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            contents: hasher.finish(),
        }
    }
}
