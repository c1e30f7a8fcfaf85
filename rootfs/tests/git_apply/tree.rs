//! A tree as plain data, written to a directory and read from one.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Directory,
    File { content: Vec<u8>, mode: u32 },
    Link(Vec<u8>),
}

impl std::fmt::Debug for Node {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory => write!(to, "a directory"),
            Self::File { content, mode } => write!(to, "{mode:o} {}", content.escape_ascii()),
            Self::Link(target) => write!(to, "-> {}", target.escape_ascii()),
        }
    }
}

/// By relative path; a directory comes before what is in it.
pub(crate) type Tree = BTreeMap<PathBuf, Node>;

pub(crate) fn write_node(path: &Path, node: &Node) {
    match node {
        Node::Directory => fs::create_dir(path).unwrap(),
        Node::Link(target) => symlink(OsStr::from_bytes(target), path).unwrap(),
        Node::File { content, mode } => {
            fs::write(path, content).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(*mode)).unwrap();
        }
    }
}

pub(crate) fn write_tree(top: &Path, tree: &Tree) {
    fs::create_dir(top).unwrap();
    tree.iter().for_each(|(path, node)| write_node(&top.join(path), node));
}

pub(crate) fn read_tree(top: &Path) -> Tree {
    let mut tree = Tree::new();
    read_into(top, Path::new(""), &mut tree);
    tree
}

fn read_into(top: &Path, below: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(top.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        let metadata = entry.path().symlink_metadata().unwrap();
        let node = if metadata.is_dir() {
            Node::Directory
        } else if metadata.is_symlink() {
            Node::Link(fs::read_link(entry.path()).unwrap().into_os_string().into_vec())
        } else {
            let mode = metadata.permissions().mode() & 0o7777;
            Node::File { content: fs::read(entry.path()).unwrap(), mode }
        };
        let is_directory = node == Node::Directory;
        tree.insert(path.clone(), node);
        if is_directory {
            read_into(top, &path, tree);
        }
    }
}

/// What git knows of a tree: no directories, and of modes who may execute.
pub(crate) fn as_git_knows(tree: &Tree) -> Tree {
    let known = |node: &Node| match node {
        Node::Directory => None,
        Node::Link(target) => Some(Node::Link(target.clone())),
        Node::File { content, mode } => {
            let mode = if mode & 0o100 == 0 { 0o644 } else { 0o755 };
            Some(Node::File { content: content.clone(), mode })
        }
    };
    tree.iter().filter_map(|(path, node)| Some((path.clone(), known(node)?))).collect()
}

/// The tree without directories that have no file in them, at any depth.
pub(crate) fn without_empty_directories(tree: &Tree) -> Tree {
    let parents = |path: &Path| path.ancestors().skip(1).map(Path::to_owned).collect::<Vec<_>>();
    let files = tree.iter().filter(|(_, node)| **node != Node::Directory);
    let kept: BTreeSet<PathBuf> = files.flat_map(|(path, _)| parents(path)).collect();
    let stays = |path: &Path, node: &Node| *node != Node::Directory || kept.contains(path);
    tree.iter()
        .filter(|(path, node)| stays(path, node))
        .map(|(path, node)| (path.clone(), node.clone()))
        .collect()
}
