//! Which directory is the project, and whether it may be one.

mod brought;

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::Stat;
use rustix::io::Errno;

use crate::files::{canonical, io_error, open_directory};
use crate::git::{self, GitDirectory};
use crate::identity::Identity;
use crate::notes::{self, Note};
use crate::places::{Place, Places};

pub use brought::BroughtError;

/// What is known of the caller when the project is looked for.
#[derive(Clone, Copy, Debug)]
pub struct ProjectRequest<'a> {
    /// The directory that was asked for by name (`-w`), relative to `cwd` or absolute.
    pub directory: Option<&'a Path>,
    /// The caller's working directory; an empty path where it has vanished.
    pub cwd: &'a Path,
    /// The caller's home directory.
    pub home: Option<&'a Path>,
    /// The state directory, which need not exist yet.
    pub state: &'a Path,
    /// The caller's user id.
    pub uid: u32,
    /// The caller's primary group.
    pub gid: u32,
    /// The caller's supplementary groups.
    pub groups: &'a [u32],
}

/// The caller's real directory, under its true name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The directory, canonical.
    pub root: PathBuf,
    /// Where the command starts: canonical, `root` or inside it.
    pub cwd: PathBuf,
    /// What made it this directory.
    pub chosen: Chosen,
    /// The directory itself, whatever name it has later.
    pub identity: Identity,
    /// The user that owns the directory.
    pub uid: u32,
    /// The group that owns the directory.
    pub gid: u32,
    /// The permission bits of the directory, which the top of a layer over it carries.
    pub mode: u32,
    /// The git directory that lies outside, where this is a true worktree or submodule.
    pub git: Option<GitDirectory>,
    /// What the caller should be told before the command starts.
    pub notes: Vec<Note>,
}

/// What made a directory the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// `-w` named it.
    Flag,
    /// It is the nearest ancestor of the working directory with a `.git`.
    Git,
    /// It is the working directory, which no git repository holds.
    WorkingDirectory,
}

/// Why a directory cannot be the project.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says itself in its message")]
pub enum ProjectError {
    #[error("the project's path holds a NUL byte")]
    Nul { path: PathBuf },
    #[error("the working directory is gone")]
    WorkingDirectoryGone { cwd: PathBuf },
    #[error("project `{}` does not exist", path.display())]
    Absent { path: PathBuf },
    #[error("project `{}` is not a directory", path.display())]
    NotADirectory { path: PathBuf },
    #[error("project `{}` cannot be read", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("project `{}` cannot be resolved", path.display())]
    Resolve { path: PathBuf, source: io::Error },
    #[error("`{}` cannot be a project: {}", path.display(), reason(*place))]
    Refused { path: PathBuf, place: Place },
}

impl Project {
    /// Finds the project and checks that it may be one; reads nothing of it but its top and its `.git`.
    pub fn locate(request: &ProjectRequest<'_>) -> Result<Self, ProjectError> {
        Self::locate_among(&Places::new(request.home, request.state), request)
    }

    /// The same where the request's home and state directory have been looked up.
    pub fn locate_among(places: &Places, request: &ProjectRequest<'_>) -> Result<Self, ProjectError> {
        let (root, cwd, chosen) = match request.directory {
            Some(directory) => named(directory, request.cwd)?,
            None => around(request.cwd, places)?,
        };
        if let Some(place) = places.forbid(&root) {
            return Err(ProjectError::Refused { path: root, place });
        }
        let directory = open_directory(&root).map_err(|errno| unopened(&root, errno))?;
        let stat = rustix::fs::fstat(&directory).map_err(|errno| unopened(&root, errno))?;
        let mut notes = notes::of_owner(&root, &stat, request);
        let git = git::outside(&directory, &root, places, &mut notes);
        Ok(Self::new((root, cwd, chosen), &stat, git, notes))
    }

    /// Whether its name still leads to it.
    pub fn is_there(&self) -> bool {
        let named = open_directory(&self.root).and_then(rustix::fs::fstat);
        named.is_ok_and(|stat| Identity::of(&stat) == self.identity)
    }

    fn new(
        place: (PathBuf, PathBuf, Chosen),
        stat: &Stat,
        git: Option<GitDirectory>,
        notes: Vec<Note>,
    ) -> Self {
        let (root, cwd, chosen) = place;
        let (identity, mode) = (Identity::of(stat), stat.st_mode & 0o7777);
        Self { root, cwd, chosen, identity, uid: stat.st_uid, gid: stat.st_gid, mode, git, notes }
    }
}

impl ProjectError {
    /// What the caller can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Nul { .. } | Self::Resolve { .. } => None,
            Self::WorkingDirectoryGone { .. } => {
                Some("change to a directory that exists, or name the project with -w")
            }
            Self::Absent { .. } => Some("check the spelling, or make the directory first"),
            Self::NotADirectory { .. } => Some("name the directory that holds the file"),
            Self::Unreadable { .. } => {
                Some("the project's top directory needs read and search permission for you")
            }
            Self::Refused { place, .. } => Some(way_forward(*place)),
        }
    }
}

/// The directory that `-w` names. A working directory outside of it gives way to its top.
fn named(directory: &Path, cwd: &Path) -> Result<(PathBuf, PathBuf, Chosen), ProjectError> {
    if directory.is_relative() && !cwd.is_absolute() {
        return Err(ProjectError::WorkingDirectoryGone { cwd: cwd.to_owned() });
    }
    let root = resolve(&cwd.join(directory))?;
    let cwd = match cwd == root {
        true => None,
        false => canonical(cwd).ok().filter(|cwd| cwd.starts_with(&root)),
    };
    Ok((root.clone(), cwd.unwrap_or(root), Chosen::Flag))
}

/// The nearest ancestor of `cwd` with a `.git`, else `cwd` itself.
///
/// The search ends below the first forbidden place, so a `.git` that somebody planted in `/tmp`, or the
/// one of a home directory kept in git, does not take everything below it along.
fn around(cwd: &Path, places: &Places) -> Result<(PathBuf, PathBuf, Chosen), ProjectError> {
    let gone = || ProjectError::WorkingDirectoryGone { cwd: cwd.to_owned() };
    // The kernel puts "(unreachable)" before a directory that no path leads to: getcwd(2).
    let cwd = Some(cwd).filter(|cwd| cwd.is_absolute()).ok_or_else(gone)?;
    let cwd = resolve(cwd)
        .map_err(|error| if matches!(error, ProjectError::Absent { .. }) { gone() } else { error })?;
    let git = cwd
        .ancestors()
        .take_while(|ancestor| places.forbid(ancestor).is_none())
        .find(|ancestor| ancestor.join(".git").symlink_metadata().is_ok());
    match git.map(Path::to_owned) {
        Some(root) => Ok((root, cwd, Chosen::Git)),
        None => Ok((cwd.clone(), cwd, Chosen::WorkingDirectory)),
    }
}

fn resolve(path: &Path) -> Result<PathBuf, ProjectError> {
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(ProjectError::Nul { path: path.to_owned() });
    }
    canonical(path).map_err(|errno| unopened(path, errno))
}

fn unopened(path: &Path, errno: Errno) -> ProjectError {
    let (path, source) = (path.to_owned(), io_error(errno));
    match errno {
        Errno::NOENT => ProjectError::Absent { path },
        Errno::NOTDIR => ProjectError::NotADirectory { path },
        Errno::ACCESS | Errno::PERM => ProjectError::Unreadable { path, source },
        _ => ProjectError::Resolve { path, source },
    }
}

fn reason(place: Place) -> &'static str {
    match place {
        Place::Root => "it is the root directory",
        Place::Home => "it is your home directory",
        Place::AboveHome => "your home directory lies in it",
        Place::System => "it is a directory of the system",
        Place::HoldsState => "clearing keeps its state in it",
        Place::InState => "it lies in clearing's own state",
    }
}

fn way_forward(place: Place) -> &'static str {
    match place {
        Place::HoldsState => "point CLEARING_STATE_DIR to a directory outside of the project",
        Place::Root | Place::Home | Place::AboveHome | Place::System | Place::InState => {
            "name the one directory that the command works on with -w DIR"
        }
    }
}

#[cfg(test)]
mod tests;
