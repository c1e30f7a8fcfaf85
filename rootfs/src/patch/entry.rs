//! What a patch says, once it is read: one entry a file.

use std::path::{Path, PathBuf};

/// What a patch does to one file. Nothing of it was looked up in a project yet.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// Where it begins in the patch.
    pub(super) line: usize,
    pub(super) how: How,
    /// What the file is said to have been. Of a regular file it may have had another.
    pub(super) old_mode: Option<FileMode>,
    /// What it becomes; where nothing is said, it keeps what it has.
    pub(super) new_mode: Option<FileMode>,
    pub(super) body: Body<'a>,
    /// A plain diff does not always say whether its file is there already.
    pub(super) may_be_new: bool,
}

/// Which files an entry is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// A file is made.
    Create(PathBuf),
    /// A file goes.
    Delete(PathBuf),
    /// A file has other content or another mode.
    Modify(PathBuf),
    /// A file has another name, and perhaps other content.
    Rename {
        /// Before.
        from: PathBuf,
        /// Afterwards.
        to: PathBuf,
    },
    /// A file is made from another one.
    Copy {
        /// The other one, which stays.
        from: PathBuf,
        /// The new one.
        to: PathBuf,
    },
}

impl How {
    /// What is read.
    pub fn source(&self) -> Option<&Path> {
        match self {
            Self::Create(_) => None,
            Self::Delete(path) | Self::Modify(path) => Some(path),
            Self::Rename { from, .. } | Self::Copy { from, .. } => Some(from),
        }
    }

    /// What is written.
    pub fn target(&self) -> Option<&Path> {
        match self {
            Self::Delete(_) => None,
            Self::Create(path) | Self::Modify(path) => Some(path),
            Self::Rename { to, .. } | Self::Copy { to, .. } => Some(to),
        }
    }

    /// What is gone afterwards.
    pub fn removed(&self) -> Option<&Path> {
        match self {
            Self::Delete(path) => Some(path),
            Self::Rename { from, .. } => Some(from),
            Self::Create(_) | Self::Modify(_) | Self::Copy { .. } => None,
        }
    }

    /// The path by which it is told.
    pub fn path(&self) -> &Path {
        self.target().or(self.source()).unwrap_or(Path::new(""))
    }

    /// In a word, for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Delete(_) => "delete",
            Self::Modify(_) => "modify",
            Self::Rename { .. } => "rename",
            Self::Copy { .. } => "copy",
        }
    }
}

/// The modes that a patch may give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileMode {
    /// 100644.
    Regular,
    /// 100755.
    Executable,
    /// 120000.
    Link,
}

/// How the content changes.
#[derive(Debug)]
pub(super) enum Body<'a> {
    /// Not at all.
    Nothing,
    Text(Vec<Hunk<'a>>),
    Binary {
        data: Packed,
        /// The whole names that git gives to the content before and after.
        old: &'a [u8],
        new: &'a [u8],
    },
}

/// A content as a binary patch has it, packed.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) method: Method,
    /// What it says that it unpacks to.
    pub(super) size: usize,
    pub(super) bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Literal,
    Delta,
}

/// Lines that are to be found one after the other, and what they become.
#[derive(Debug)]
pub(super) struct Hunk<'a> {
    /// Where it stands in the patch.
    pub(super) line: usize,
    /// The first of its lines in the file, from 1; the one before them if there are none.
    pub(super) old_start: usize,
    pub(super) old: Vec<&'a [u8]>,
    pub(super) new: Vec<&'a [u8]>,
    pub(super) added: usize,
    pub(super) removed: usize,
    /// Unchanged lines at both ends.
    pub(super) leading: usize,
    pub(super) trailing: usize,
    /// Whether the file ends with the hunk, and without a newline.
    pub(super) old_ends: bool,
    pub(super) new_ends: bool,
}
