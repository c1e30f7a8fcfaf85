//! What a caller should know of the project before the command starts.

use std::fmt;
use std::path::{Path, PathBuf};

use rustix::fs::Stat;

use crate::git::Unverified;
use crate::project::ProjectRequest;

/// One thing that will look different inside; `Display` is the sentence for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Another user owns the project: its files can be read and deleted, not changed.
    ForeignOwner {
        /// The project.
        path: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// The project's top hands down a group that is not mapped inside: nothing can be made in it.
    ForeignGroup {
        /// The project.
        path: PathBuf,
        /// The group that it hands down.
        gid: u32,
        /// Whether the caller is in that group.
        member: bool,
    },
    /// `.git` points out of the project, at something that does not point back; it is not shown.
    GitNotShown {
        /// Where `.git` points.
        path: PathBuf,
        /// What did not hold.
        why: Unverified,
    },
    /// The repository borrows objects of another one, which is not shown.
    GitAlternates {
        /// The file that names the other one.
        path: PathBuf,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignOwner { path, uid } => {
                write!(
                    f,
                    "`{}` belongs to user {uid}: its files can be read and deleted, not changed",
                    path.display()
                )
            }
            Self::ForeignGroup { path, gid, member } => {
                let whose = if *member { "not your primary one" } else { "not one of yours" };
                write!(f, "`{}` is set-group-id {gid}, {whose}: nothing can be made in it", path.display())
            }
            Self::GitNotShown { path, why } => {
                write!(f, "the git directory `{}` is not shown: {why}", path.display())
            }
            Self::GitAlternates { path } => {
                write!(f, "`{}` borrows objects of a repository that is not shown", path.display())
            }
        }
    }
}

/// With one mapped id, the kernel answers `EOVERFLOW` where an inode's owner would have to be written
/// and has no mapping. A caller who is root has a whole range mapped.
pub(crate) fn of_owner(root: &Path, stat: &Stat, request: &ProjectRequest<'_>) -> Vec<Note> {
    let mut notes = Vec::new();
    if request.uid == 0 {
        return notes;
    }
    if stat.st_uid != request.uid {
        notes.push(Note::ForeignOwner { path: root.to_owned(), uid: stat.st_uid });
    }
    let hands_down = rustix::fs::Mode::from_raw_mode(stat.st_mode).contains(rustix::fs::Mode::SGID);
    if hands_down && stat.st_gid != request.gid {
        let member = request.groups.contains(&stat.st_gid);
        notes.push(Note::ForeignGroup { path: root.to_owned(), gid: stat.st_gid, member });
    }
    notes
}
