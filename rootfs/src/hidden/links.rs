//! The other names of what is hidden: what a hidden link leads to, and every hard link of a hidden file.

use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, ResolveFlags, Stat, openat2, readlinkat, statat};
use rustix::io::Errno;

use super::{HiddenPath, is_same};
use crate::beneath::open_beneath;
use crate::files::{os_str, path_of};
use crate::path_text::PathText;

/// In a hidden directory with more files than this nobody looks for other names of them.
const MOST: usize = 10_000;

/// Adds what hidden links lead to.
pub(super) fn follow(top: &OwnedFd, project: &Path, found: &mut Vec<HiddenPath>) {
    let mut known: HashSet<PathBuf> = found.iter().map(|hidden| hidden.path.0.clone()).collect();
    let mut at = 0;
    while let Some(hidden) = found.get(at).cloned() {
        at += 1;
        if let Some(target) = target(top, project, &hidden.path.0)
            && !target.ancestors().any(|above| known.contains(above))
        {
            known.insert(target.clone());
            let rule = format!("`{}` leads there: {}", hidden.path.0.display(), hidden.rule);
            found.push(HiddenPath { path: PathText(target), rule });
        }
    }
}

/// Adds the other names of hidden files; tells what was not looked for.
pub(super) fn find_others(top: &OwnedFd, found: &mut Vec<HiddenPath>) -> Result<Vec<String>, Errno> {
    let mut notes = Vec::new();
    let mut linked = Linked::default();
    for hidden in found.iter() {
        if !linked.add(top, hidden) {
            let path = hidden.path.0.display();
            notes.push(format!("`{path}` holds so many files that no other names of them were looked for"));
        }
    }
    if !linked.files.is_empty() {
        found.extend(linked.search(top)?);
    }
    Ok(notes)
}

/// Where a link leads to in the project, through all others; none if that is nowhere, or the project itself.
fn target(top: &OwnedFd, project: &Path, path: &Path) -> Option<PathBuf> {
    let parent = open_beneath(top, path.parent()?, OFlags::PATH | OFlags::DIRECTORY).ok()?;
    let text = path_of(readlinkat(&parent, path.file_name()?, Vec::new()).ok()?.into_bytes());
    // An absolute one may name the project by its own path, or by another that leads there.
    let resolve = ResolveFlags::NO_MAGICLINKS;
    let opened = openat2(&parent, &text, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve).ok()?;
    let name = format!("/proc/self/fd/{}", opened.as_raw_fd());
    let name = path_of(rustix::fs::readlink(name, Vec::new()).ok()?.into_bytes());
    let below = name.strip_prefix(project).ok()?;
    (!below.as_os_str().is_empty()).then(|| below.to_owned())
}

/// Hidden files with several names.
#[derive(Default)]
struct Linked {
    files: Vec<(Stat, String)>,
    numbers: HashSet<u64>,
}

impl Linked {
    /// Adds what is hidden there; false if that is too much.
    fn add(&mut self, top: &OwnedFd, hidden: &HiddenPath) -> bool {
        let path = &hidden.path.0;
        let Ok(stat) = statat(top, path, AtFlags::SYMLINK_NOFOLLOW) else { return true };
        self.add_file(&stat, &hidden.rule);
        let mut looked_at = 0;
        walk(top, path.clone(), &mut |directory, _, name, kind, _| {
            looked_at += 1;
            if kind == FileType::RegularFile
                && let Ok(stat) = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
            {
                self.add_file(&stat, &hidden.rule);
            }
            looked_at < MOST
        });
        looked_at < MOST
    }

    fn add_file(&mut self, stat: &Stat, rule: &str) {
        if FileType::from_raw_mode(stat.st_mode).is_file() && stat.st_nlink > 1 {
            self.numbers.insert(stat.st_ino);
            self.files.push((*stat, rule.to_owned()));
        }
    }

    /// Finds all their names. No directory's time tells that a file in it got another name elsewhere, so
    /// everything is read.
    fn search(&self, top: &OwnedFd) -> Result<Vec<HiddenPath>, Errno> {
        let mut found = Vec::new();
        walk(top, PathBuf::new(), &mut |directory, path, name, kind, number| {
            if kind == FileType::RegularFile
                && self.numbers.contains(&number)
                && let Ok(stat) = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
                && let Some((_, rule)) = self.files.iter().find(|(file, _)| is_same(file, &stat))
            {
                let path = PathText(path.join(os_str(name)));
                found.push(HiddenPath { path, rule: format!("another name of it is hidden: {rule}") });
            }
            true
        });
        Ok(found)
    }
}

type Each<'a> = dyn FnMut(&OwnedFd, &Path, &CStr, FileType, u64) -> bool + 'a;

/// Calls `each` with everything in a directory and below it until that says no. What cannot be read is
/// hidden anyway.
fn walk(top: &OwnedFd, from: PathBuf, each: &mut Each<'_>) {
    let mut pending = vec![from];
    while let Some(path) = pending.pop() {
        let Ok(directory) = open_beneath(top, &path, OFlags::DIRECTORY) else { continue };
        let mut buffer = [MaybeUninit::uninit(); 32 * 1024];
        let mut reader = RawDir::new(directory.as_fd(), &mut buffer);
        while let Some(Ok(entry)) = reader.next() {
            let name: CString = entry.file_name().to_owned();
            if name.as_c_str() == c"." || name.as_c_str() == c".." {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => statat(&directory, &name, AtFlags::SYMLINK_NOFOLLOW)
                    .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode)),
                kind => kind,
            };
            if kind == FileType::Directory {
                pending.push(path.join(std::ffi::OsStr::from_bytes(name.to_bytes())));
            }
            if !each(&directory, &path, &name, kind, entry.ino()) {
                return;
            }
        }
    }
}
