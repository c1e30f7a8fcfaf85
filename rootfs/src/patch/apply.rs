//! Writes what a simulation found, all of it or nothing.
//!
//! Everything new is written beside the tree's files first, in a directory of its own at the top; then what
//! goes is moved there, and what is new from there. Each move can be taken back. Who is killed in the middle
//! leaves that directory and a tree that is neither: whoever holds the tree has to be able to go back.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, Mode, OFlags, RenameFlags, fchmod, mkdirat, openat, renameat_with, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;

use super::simulate::{Node, Prepared};
use super::tree::DirectoryTree;
use crate::beneath::open_beneath;
use crate::descent::step;
use crate::files::{io_error, is_directory, write_all};
use crate::remove::remove_tree;

/// Why nothing was applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The directory for what is new.
    #[error("making a directory for what the patch writes")]
    Stage(#[source] io::Error),
    /// One step.
    #[error("{} `{}`", .step, .path.display())]
    Step {
        /// What was done.
        step: &'static str,
        /// To which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// And it could not be taken back.
    #[error("taking back what was applied: `{}` is not as it was", .path.display())]
    TakeBack {
        /// The path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

/// One move between the tree and the directory beside it.
struct Move<'a> {
    path: &'a Path,
    beside: CString,
    out: bool,
}

/// What has been done so far.
struct Work<'a> {
    tree: &'a DirectoryTree,
    stage: OwnedFd,
    moves: Vec<Move<'a>>,
    /// Directories that were made, parents first.
    made: Vec<&'a Path>,
    /// Directories that were removed since nothing was left in them.
    dropped: Vec<(&'a Path, Mode)>,
}

impl Prepared {
    /// Writes it to the tree that it was made upon, which nobody else may change meanwhile.
    pub fn apply(&self, tree: &DirectoryTree) -> Result<(), ApplyError> {
        let (stage, name) = stage(tree).map_err(|errno| ApplyError::Stage(io_error(errno)))?;
        let mut work = Work { tree, stage, moves: Vec::new(), made: Vec::new(), dropped: Vec::new() };
        let done = self.carry_out(&mut work);
        let back = if done.is_err() { work.take_back() } else { Ok(()) };
        // What could not be put back is still in there.
        back?;
        drop(work);
        let cleared = remove_tree(tree.top.as_fd(), &name);
        done?;
        cleared.map_err(|error| ApplyError::Stage(io::Error::other(error)))
    }

    fn carry_out<'a>(&'a self, work: &mut Work<'a>) -> Result<(), ApplyError> {
        let deeds = &self.simulation.deeds;
        for (number, deed) in deeds.iter().enumerate() {
            if let (Some(path), Some(node)) = (deed.how.target(), &deed.new) {
                work.write(&beside("new", number), node, self.content(number))
                    .map_err(|errno| failed("writing", path, errno))?;
            }
        }
        for (number, deed) in deeds.iter().enumerate() {
            // What changes in place goes first, too.
            let in_place = deed.old.is_some().then(|| deed.how.target()).flatten();
            let in_place = in_place.filter(|target| deed.how.source() == Some(target));
            if let Some(path) = deed.how.removed().or(in_place) {
                work.take_out(path, beside("old", number))
                    .map_err(|errno| failed("removing", path, errno))?;
            }
        }
        for deed in deeds {
            deed.how.removed().map_or(Ok(()), |path| work.drop_empty_directories(path))?;
        }
        for (number, deed) in deeds.iter().enumerate() {
            if let Some(path) = deed.how.target() {
                work.make_directories(path)?;
                work.put_in(path, beside("new", number)).map_err(|errno| failed("making", path, errno))?;
            }
        }
        Ok(())
    }
}

fn failed(step: &'static str, path: &Path, errno: Errno) -> ApplyError {
    ApplyError::Step { step, path: path.to_owned(), source: io_error(errno) }
}

fn beside(what: &str, number: usize) -> CString {
    CString::new(format!("{what}-{number}")).unwrap_or_default()
}

/// A new directory at the top, whose name nobody else has.
fn stage(tree: &DirectoryTree) -> Result<(OwnedFd, CString), Errno> {
    for _ in 0..100 {
        let mut random = [0u8; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
        let name = format!(".clearing-patch-{:016x}", u64::from_ne_bytes(random));
        let name = CString::new(name).unwrap_or_default();
        match mkdirat(&tree.top, &name, Mode::RWXU) {
            Err(Errno::EXIST) => {}
            made => return made.and_then(|()| step(&tree.top, &name)).map(|stage| (stage, name)),
        }
    }
    Err(Errno::EXIST)
}

impl<'a> Work<'a> {
    fn write(&self, name: &CString, node: &Node, content: &[u8]) -> Result<(), Errno> {
        match node {
            Node::Link(target) => symlinkat(OsStr::from_bytes(target), &self.stage, name),
            Node::File { mode, .. } => {
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
                let file = openat(&self.stage, name, flags, Mode::RUSR | Mode::WUSR)?;
                write_all(&file, content)?;
                fchmod(&file, Mode::from_raw_mode(*mode))
            }
        }
    }

    fn take_out(&mut self, path: &'a Path, beside: CString) -> Result<(), Errno> {
        let (parent, name) = self.place(path)?;
        renameat_with(&parent, name, &self.stage, &beside, RenameFlags::NOREPLACE)?;
        self.moves.push(Move { path, beside, out: true });
        Ok(())
    }

    fn put_in(&mut self, path: &'a Path, beside: CString) -> Result<(), Errno> {
        let (parent, name) = self.place(path)?;
        // An empty directory is nothing to a patch.
        if let Ok(stat) = statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)
            && is_directory(&stat)
        {
            unlinkat(&parent, name, AtFlags::REMOVEDIR)?;
            self.dropped.push((path, Mode::from_raw_mode(stat.st_mode & 0o7777)));
        }
        renameat_with(&self.stage, &beside, &parent, name, RenameFlags::NOREPLACE)?;
        self.moves.push(Move { path, beside, out: false });
        Ok(())
    }

    /// The directory that holds the path, reached through no link, and its name there.
    fn place(&self, path: &'a Path) -> Result<(OwnedFd, &'a OsStr), Errno> {
        let (parent, name) = (path.parent().unwrap_or(Path::new("")), path.file_name());
        let parent = open_beneath(&self.tree.top, parent, OFlags::PATH | OFlags::DIRECTORY)?;
        Ok((parent, name.ok_or(Errno::INVAL)?))
    }

    fn make_directories(&mut self, path: &'a Path) -> Result<(), ApplyError> {
        let mut way: Vec<&Path> = path.ancestors().skip(1).filter(|it| !it.as_os_str().is_empty()).collect();
        way.reverse();
        for directory in way {
            let (parent, name) =
                self.place(directory).map_err(|errno| failed("opening", directory, errno))?;
            match mkdirat(&parent, name, Mode::from_raw_mode(0o755)) {
                Ok(()) => self.made.push(directory),
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(failed("making the directory", directory, errno)),
            }
        }
        Ok(())
    }

    /// Directories that hold nothing any more go with what they held.
    fn drop_empty_directories(&mut self, path: &'a Path) -> Result<(), ApplyError> {
        for directory in path.ancestors().skip(1).filter(|it| !it.as_os_str().is_empty()) {
            if self.tree.hidden.below(directory).is_some() {
                break;
            }
            let Ok((parent, name)) = self.place(directory) else { break };
            let Ok(stat) = statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) else { break };
            match unlinkat(&parent, name, AtFlags::REMOVEDIR) {
                Ok(()) => self.dropped.push((directory, Mode::from_raw_mode(stat.st_mode & 0o7777))),
                Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT) => break,
                Err(errno) => return Err(failed("removing the directory", directory, errno)),
            }
        }
        Ok(())
    }

    /// Takes back all that was done, the last first.
    fn take_back(&mut self) -> Result<(), ApplyError> {
        let stuck =
            |path: &Path, errno| ApplyError::TakeBack { path: path.to_owned(), source: io_error(errno) };
        let moves: Vec<Move<'a>> = self.moves.drain(..).rev().collect();
        for Move { path, beside, .. } in moves.iter().filter(|it| !it.out) {
            let (parent, name) = self.place(path).map_err(|errno| stuck(path, errno))?;
            renameat_with(&parent, name, &self.stage, beside, RenameFlags::NOREPLACE)
                .map_err(|errno| stuck(path, errno))?;
        }
        for directory in std::mem::take(&mut self.made).iter().rev() {
            let (parent, name) = self.place(directory).map_err(|errno| stuck(directory, errno))?;
            unlinkat(&parent, name, AtFlags::REMOVEDIR).map_err(|errno| stuck(directory, errno))?;
        }
        for (directory, mode) in std::mem::take(&mut self.dropped).iter().rev() {
            let (parent, name) = self.place(directory).map_err(|errno| stuck(directory, errno))?;
            mkdirat(&parent, name, Mode::RWXU)
                .and_then(|()| step(&parent, &CString::new(name.as_bytes()).unwrap_or_default()))
                .and_then(|made| fchmod(&made, *mode))
                .map_err(|errno| stuck(directory, errno))?;
        }
        for Move { path, beside, .. } in moves.iter().filter(|it| it.out) {
            let (parent, name) = self.place(path).map_err(|errno| stuck(path, errno))?;
            renameat_with(&self.stage, beside, &parent, name, RenameFlags::NOREPLACE)
                .map_err(|errno| stuck(path, errno))?;
        }
        Ok(())
    }
}
