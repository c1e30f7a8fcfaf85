//! The git directory of a worktree or submodule, which lies outside of the project.
//!
//! There `.git` is a file, `gitdir: PATH`, and the project's content decides what it says. A hostile one
//! must not open other directories to the command (see CVE-2026-55607 of another tool), so PATH is shown
//! only if it is a git directory, belongs to the project's owner, and names this project itself.

use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, fstat, statat};
use rustix::io::Errno;

use crate::files::{canonical, is_directory, open_directory, path_line, read_regular};
use crate::git_config;
use crate::notes::Note;
use crate::places::Places;

/// A git directory outside of the project that the project's `.git` truly belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitDirectory {
    /// The directory to show at its own path: the repository's for a worktree, the module's for a submodule.
    pub common: PathBuf,
}

/// Why a git directory that `.git` points at is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unverified {
    /// `.git` is not of the form `gitdir: PATH`.
    NotAPointer,
    /// `.git` is a symbolic link that leads out of the project.
    Link,
    /// Nothing readable is there.
    Absent,
    /// What is there is not a git directory.
    NotARepository,
    /// It is one, and of another project.
    PointsElsewhere,
    /// It belongs to another user than the project.
    ForeignOwner,
    /// It is a place that is never shown as a whole.
    Forbidden,
}

impl fmt::Display for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAPointer => "`.git` does not say `gitdir: PATH`",
            Self::Link => "`.git` is a link out of the project",
            Self::Absent => "it cannot be read",
            Self::NotARepository => "it is no git directory",
            Self::PointsElsewhere => "it does not name this project (`git config core.worktree` would)",
            Self::ForeignOwner => "another user owns it",
            Self::Forbidden => "it is a place that is never shown",
        })
    }
}

/// Pointers and heads are a line; a config is a page.
const LIMIT: usize = 256 * 1024;

/// Finds the git directory outside of `project` that belongs to it; what is wrong becomes a note.
pub(crate) fn outside(
    directory: &OwnedFd,
    project: &Path,
    places: &Places,
    notes: &mut Vec<Note>,
) -> Option<GitDirectory> {
    let stat = statat(directory, ".git", AtFlags::SYMLINK_NOFOLLOW).ok()?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => {
            notes.extend(alternates(directory, &project.join(".git"), ".git/objects/info/alternates"));
            None
        }
        FileType::Symlink => {
            let path = canonical(&project.join(".git")).unwrap_or_default();
            let inside = path.starts_with(project);
            notes.extend((!inside).then_some(Note::GitNotShown { path, why: Unverified::Link }));
            None
        }
        _ => follow_pointer(directory, project, places, notes),
    }
}

fn follow_pointer(
    directory: &OwnedFd,
    project: &Path,
    places: &Places,
    notes: &mut Vec<Note>,
) -> Option<GitDirectory> {
    let target = read_pointer(directory).map(|target| project.join(target));
    let path = target.clone().unwrap_or_else(|_| project.join(".git"));
    match target.and_then(|target| verify(directory, project, &target, places)) {
        Ok(common) => {
            let common = common?;
            let opened = open_directory(&common).ok();
            notes.extend(opened.and_then(|opened| alternates(&opened, &common, "objects/info/alternates")));
            Some(GitDirectory { common })
        }
        Err(why) => {
            notes.push(Note::GitNotShown { path, why });
            None
        }
    }
}

fn read_pointer(directory: &OwnedFd) -> Result<PathBuf, Unverified> {
    let text = read_regular(directory, ".git", LIMIT).map_err(|_| Unverified::NotAPointer)?;
    let target = text.strip_prefix(b"gitdir: ").ok_or(Unverified::NotAPointer)?;
    Ok(path_line(target).to_owned())
}

/// The directory to show; none if all of it lies in the project anyway.
fn verify(
    directory: &OwnedFd,
    project: &Path,
    target: &Path,
    places: &Places,
) -> Result<Option<PathBuf>, Unverified> {
    let gitdir = canonical(target).map_err(|_| Unverified::Absent)?;
    if gitdir.starts_with(project) {
        return Ok(None);
    }
    let opened = open_directory(&gitdir).map_err(|_| Unverified::Absent)?;
    let common = match read_regular(&opened, "commondir", LIMIT) {
        Ok(text) => worktree_of(&opened, &gitdir, path_line(&text), project)?,
        Err(Errno::NOENT) => submodule_of(&opened, &gitdir, project)?,
        Err(_) => return Err(Unverified::NotARepository),
    };
    check_repository(directory, &common)?;
    let forbidden = places.forbid(&common).is_some() || project.starts_with(&common);
    if forbidden { Err(Unverified::Forbidden) } else { Ok(Some(common)) }
}

/// `REPOSITORY/worktrees/NAME`, whose file `gitdir` names the worktree's `.git`.
fn worktree_of(
    opened: &OwnedFd,
    gitdir: &Path,
    common: &Path,
    project: &Path,
) -> Result<PathBuf, Unverified> {
    let common = canonical(&gitdir.join(common)).map_err(|_| Unverified::NotARepository)?;
    if gitdir.parent() != Some(&common.join("worktrees")) {
        return Err(Unverified::NotARepository);
    }
    let back = read_regular(opened, "gitdir", LIMIT).map_err(|_| Unverified::PointsElsewhere)?;
    let back = gitdir.join(path_line(&back));
    let names_us = back.file_name() == Some(".git".as_ref()) && leads_to(back.parent(), project);
    if names_us { Ok(common) } else { Err(Unverified::PointsElsewhere) }
}

/// `REPOSITORY/modules/NAME`, whose config names the submodule's directory as `core.worktree`.
fn submodule_of(opened: &OwnedFd, gitdir: &Path, project: &Path) -> Result<PathBuf, Unverified> {
    let config = read_regular(opened, "config", LIMIT).map_err(|_| Unverified::NotARepository)?;
    let worktree = git_config::core_worktree(&config).ok_or(Unverified::PointsElsewhere)?;
    let names_us = leads_to(Some(&gitdir.join(worktree)), project);
    if names_us { Ok(gitdir.to_owned()) } else { Err(Unverified::PointsElsewhere) }
}

fn leads_to(path: Option<&Path>, project: &Path) -> bool {
    path.and_then(|path| canonical(path).ok()).is_some_and(|path| path == project)
}

/// Git's own test, `is_git_directory`: a head, objects, refs. The owner must be the project's.
fn check_repository(project: &OwnedFd, common: &Path) -> Result<(), Unverified> {
    let opened = open_directory(common).map_err(|_| Unverified::Absent)?;
    let has = |name| statat(&opened, name, AtFlags::empty()).is_ok_and(|stat| is_directory(&stat));
    let head = read_regular(&opened, "HEAD", LIMIT).map_err(|_| Unverified::NotARepository)?;
    let detached = head.len() >= 40 && head[..40].iter().all(u8::is_ascii_hexdigit);
    if !(has("objects") && has("refs") && (detached || head.starts_with(b"ref: refs/"))) {
        return Err(Unverified::NotARepository);
    }
    let owner = |directory: &OwnedFd| fstat(directory).ok().map(|stat| stat.st_uid);
    if owner(&opened) == owner(project) { Ok(()) } else { Err(Unverified::ForeignOwner) }
}

fn alternates(directory: impl AsFd, git: &Path, file: &str) -> Option<Note> {
    let text = read_regular(directory, file, LIMIT).ok()?;
    let borrows = text.iter().any(|byte| !byte.is_ascii_whitespace());
    borrows.then(|| Note::GitAlternates { path: git.join("objects/info/alternates") })
}

#[cfg(test)]
mod tests;
