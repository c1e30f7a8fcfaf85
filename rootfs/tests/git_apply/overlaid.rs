//! Layers as overlayfs would leave them, and the view that it would show, kept as plain data.

use std::fs;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, XattrFlags, fsetxattr, mknodat};

use crate::content::{content, edited, name};
use crate::random::Random;
use crate::tree::{Node, Tree, write_node, write_tree};

/// A bottom with layers over it, on disk, and the view at each of them.
pub(crate) struct Overlaid {
    top: PathBuf,
    /// The view of the bottom first.
    pub(crate) views: Vec<Tree>,
}

impl Overlaid {
    pub(crate) fn new(top: &Path, bottom: Tree) -> Self {
        write_tree(&top.join("0"), &bottom);
        Self { top: top.to_owned(), views: vec![bottom] }
    }

    pub(crate) fn bottom(&self) -> PathBuf {
        self.top.join("0")
    }

    /// The layers that make the view of this number, newest first.
    pub(crate) fn layers(&self, view: usize) -> Vec<PathBuf> {
        (1..=view).rev().map(|number| self.top.join(number.to_string())).collect()
    }

    /// Seals the newest layer and does so many things in a new one.
    pub(crate) fn edit(&mut self, random: &mut Random, edits: usize) {
        let upper = self.top.join(self.views.len().to_string());
        fs::create_dir(&upper).unwrap();
        let lower = self.views.last().unwrap().clone();
        let mut layer = Layer { upper, view: lower.clone(), lower };
        (0..edits).for_each(|_| layer.do_something(random));
        self.views.push(layer.view);
    }
}

/// The layer that is written to.
struct Layer {
    upper: PathBuf,
    lower: Tree,
    view: Tree,
}

impl Layer {
    fn do_something(&mut self, random: &mut Random) {
        let chosen = self.any(random);
        match (random.below(10), chosen) {
            (0, Some(path)) => self.remove(&path),
            (1, Some(path)) => self.rename(random, &path),
            (2, Some(path)) => self.change_mode(&path),
            (3, Some(path)) => {
                // Another type, perhaps, under the same name.
                self.remove(&path);
                let node = any_node(random);
                self.create(&path, node);
            }
            (4 | 5, Some(path)) => match self.view.get(&path).cloned() {
                Some(Node::File { content, mode }) => {
                    let content = edited(random, &content);
                    self.create(&path, Node::File { content, mode });
                }
                // A copy-up without a change.
                Some(node) if node != Node::Directory => self.create(&path, node),
                _ => {}
            },
            (_, _) => {
                let path = self.new_path(random);
                let node = any_node(random);
                self.create(&path, node);
            }
        }
    }

    fn any(&self, random: &mut Random) -> Option<PathBuf> {
        let paths: Vec<_> = self.view.keys().collect();
        (!paths.is_empty()).then(|| random.pick(&paths).to_path_buf())
    }

    fn new_path(&self, random: &mut Random) -> PathBuf {
        let directories: Vec<_> =
            self.view.iter().filter(|(_, node)| **node == Node::Directory).map(|(path, _)| path).collect();
        let parent = match random.below(directories.len() + 1) {
            0 => PathBuf::new(),
            number => directories[number - 1].clone(),
        };
        parent.join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(&name(random)))
    }

    /// Puts the node there, over a file or nothing; a directory that is there stays.
    fn create(&mut self, path: &Path, node: Node) {
        let is_directory = self.view.get(path) == Some(&Node::Directory);
        if is_directory {
            return;
        }
        self.copy_up_parents(path);
        let full = self.upper.join(path);
        let hides = full.symlink_metadata().is_ok();
        if hides {
            fs::remove_file(&full).unwrap();
        }
        write_node(&full, &node);
        if node == Node::Directory && self.is_hidden_below(path) {
            let directory = fs::File::open(&full).unwrap();
            fsetxattr(directory.as_fd(), "user.overlay.opaque", b"y", XattrFlags::empty()).unwrap();
        }
        self.view.insert(path.to_owned(), node);
    }

    /// Whether something would show through a new directory.
    fn is_hidden_below(&self, path: &Path) -> bool {
        self.lower.contains_key(path)
    }

    fn copy_up_parents(&self, path: &Path) {
        let parents: Vec<_> = path.ancestors().skip(1).collect();
        for parent in parents.into_iter().rev() {
            let full = self.upper.join(parent);
            if full.symlink_metadata().is_err() {
                fs::create_dir(full).unwrap();
            }
        }
    }

    fn remove(&mut self, path: &Path) {
        let full = self.upper.join(path);
        match full.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&full).unwrap(),
            Ok(_) => fs::remove_file(&full).unwrap(),
            Err(_) => {}
        }
        self.view.retain(|one, _| !one.starts_with(path));
        if self.lower.contains_key(path) {
            self.copy_up_parents(path);
            mknodat(CWD, &full, FileType::CharacterDevice, Mode::empty(), 0).unwrap();
        }
    }

    /// As `mv` does where the kernel answers EXDEV: all is copied, then removed. Perhaps with an edit.
    fn rename(&mut self, random: &mut Random, path: &Path) {
        let to = self.new_path(random);
        if to.starts_with(path) || path.starts_with(&to) || self.view.contains_key(&to) {
            return;
        }
        let moved: Vec<_> = self.view.iter().filter(|(one, _)| one.starts_with(path)).collect();
        let moved: Vec<_> = moved.into_iter().map(|(path, node)| (path.clone(), node.clone())).collect();
        self.remove(path);
        for (one, node) in moved {
            let below = one.strip_prefix(path).unwrap();
            let target = if below.as_os_str().is_empty() { to.clone() } else { to.join(below) };
            let node = match node {
                Node::File { content, mode } if random.one_in(3) => {
                    Node::File { content: edited(random, &content), mode }
                }
                node => node,
            };
            self.create(&target, node);
        }
    }

    fn change_mode(&mut self, path: &Path) {
        if let Some(Node::File { content, mode }) = self.view.get(path).cloned() {
            self.create(path, Node::File { content, mode: mode ^ 0o111 });
        }
    }
}

pub(crate) fn any_node(random: &mut Random) -> Node {
    match random.below(10) {
        0..=1 => Node::Directory,
        2 => Node::Link(random.pick(&[&b"a"[..], b"../x y", b"/etc/passwd", b"\xff\n", b"d"]).to_vec()),
        number => {
            let mode = match number {
                3 => 0o755,
                4 => 0o600,
                _ => 0o644,
            };
            Node::File { content: content(random), mode }
        }
    }
}
