//! What lies below one directory, bounded by the kernel: a project quota of its file system.
//!
//! The directory gets a project id, which whatever is made below it inherits, and the project a hard limit. In
//! another user namespace than the host's nobody can change a file's project.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

use crate::sys::{
    FileAttributes, LIMITS_ARE_SET, PROJECT_INHERITED, ProjectBlock, file_attributes, project_quota,
    quota_state, set_file_attributes, set_project_quota,
};

/// The most that may lie below a directory; none is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes, with what a directory takes.
    pub bytes: Option<u64>,
    /// Files and directories.
    pub inodes: Option<u64>,
}

/// A directory whose project has a limit. Dropped, the limit is gone; the project stays the directory's own.
#[derive(Debug)]
pub struct ProjectQuota {
    directory: OwnedFd,
    project: u32,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says itself in its message")]
pub enum NoQuota {
    #[error(
        "the file system of the state directory has no project quota, or is not mounted with one (`prjquota`)"
    )]
    Unsupported,
    #[error("project quotas are the host's root's to set")]
    NotPermitted,
    #[error("what was written before belongs to no project that has a quota")]
    Begun,
    #[error("{call}")]
    Failed { call: &'static str, source: io::Error },
}

/// Ids that are ours to give, of which one in so many is taken.
const FIRST: u32 = 0x6300_0000;
const MANY: u32 = 0x0100_0000;
/// How often an id may turn out to be taken.
const TRIES: u32 = 16;
/// `FS_QUOTA_PDQ_ACCT | FS_QUOTA_PDQ_ENFD`: projects are counted, and their limits held.
const HELD: u16 = 1 << 4 | 1 << 5;
/// What a quota's blocks are.
const BLOCK: u64 = 1024;

impl ProjectQuota {
    /// Bounds all that lies below `directory`, which is empty, or has such a project from before.
    pub fn hold(directory: BorrowedFd<'_>, bounds: Bounds) -> Result<Self, NoQuota> {
        check_support(directory)?;
        let mut attributes = read(directory)?;
        let project = match is_ours(attributes.project) {
            true => attributes.project,
            false if is_empty(directory)? => free_project(directory)?,
            false => return Err(NoQuota::Begun),
        };
        // The limit first: an id with a limit is nobody else's to take.
        set_project_quota(directory, project, block(bounds)).map_err(failed("quotactl_fd(Q_SETQUOTA)"))?;
        let duplicated = directory.try_clone_to_owned().map_err(failed("dup"))?;
        let quota = Self { directory: duplicated, project };
        attributes.flags |= PROJECT_INHERITED;
        attributes.project = project;
        set_file_attributes(directory, &attributes).map_err(failed("ioctl(FS_IOC_FSSETXATTR)"))?;
        Ok(quota)
    }
}

impl Drop for ProjectQuota {
    fn drop(&mut self) {
        // Of a file system that fails no more can be wanted.
        let _ = set_project_quota(self.directory.as_fd(), self.project, block(NO_BOUNDS));
    }
}

const NO_BOUNDS: Bounds = Bounds { bytes: None, inodes: None };

/// Takes the limit off that a killed process left on a directory's project, if it has one.
pub fn release(directory: BorrowedFd<'_>) {
    let project = file_attributes(directory).map(|attributes| attributes.project);
    if let Some(project) = project.ok().filter(|project| is_ours(*project)) {
        let _ = set_project_quota(directory, project, block(NO_BOUNDS));
    }
}

fn check_support(directory: BorrowedFd<'_>) -> Result<(), NoQuota> {
    match quota_state(directory) {
        Ok(state) if state & HELD == HELD => Ok(()),
        Err(error) if Errno::from_io_error(&error) == Some(Errno::PERM) => Err(NoQuota::NotPermitted),
        // Where no quota was compiled in, where the file system knows none, and where none is on.
        Ok(_) | Err(_) => Err(NoQuota::Unsupported),
    }
}

fn read(directory: BorrowedFd<'_>) -> Result<FileAttributes, NoQuota> {
    file_attributes(directory).map_err(failed("ioctl(FS_IOC_FSGETXATTR)"))
}

fn is_ours(project: u32) -> bool {
    (FIRST..FIRST + MANY).contains(&project)
}

fn is_empty(directory: BorrowedFd<'_>) -> Result<bool, NoQuota> {
    let mut entries =
        rustix::fs::Dir::read_from(directory).map_err(|errno| failed("getdents64")(errno.into()))?;
    let is_entry = |entry: &rustix::fs::DirEntry| !matches!(entry.file_name().to_bytes(), b"." | b"..");
    Ok(!entries.any(|entry| entry.is_ok_and(|entry| is_entry(&entry))))
}

/// By chance: state directories on one file system know nothing of each other.
fn free_project(directory: BorrowedFd<'_>) -> Result<u32, NoQuota> {
    for _ in 0..TRIES {
        let mut bytes = [0; 4];
        getrandom(&mut bytes, GetRandomFlags::empty()).map_err(|errno| failed("getrandom")(errno.into()))?;
        let project = FIRST + u32::from_ne_bytes(bytes) % MANY;
        match project_quota(directory, project) {
            Ok(block) if is_free(&block) => return Ok(project),
            Ok(_) => {}
            // Nobody has ever had it.
            Err(error) if is_unknown(&error) => return Ok(project),
            Err(source) => return Err(NoQuota::Failed { call: "quotactl_fd(Q_GETQUOTA)", source }),
        }
    }
    Err(failed("a free project id")(io::ErrorKind::AddrInUse.into()))
}

fn is_free(block: &ProjectBlock) -> bool {
    [block.most_blocks, block.most_inodes, block.bytes, block.inodes] == [0; 4]
}

fn is_unknown(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOENT | Errno::SRCH))
}

fn block(bounds: Bounds) -> ProjectBlock {
    ProjectBlock {
        most_blocks: bounds.bytes.map_or(0, |bytes| bytes.div_ceil(BLOCK).max(1)),
        most_inodes: bounds.inodes.map_or(0, |inodes| inodes.max(1)),
        valid: LIMITS_ARE_SET,
        ..ProjectBlock::default()
    }
}

fn failed(call: &'static str) -> impl Fn(io::Error) -> NoQuota {
    move |source| NoQuota::Failed { call, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_never_none_by_being_small() {
        let bounds = |bytes, inodes| block(Bounds { bytes, inodes });
        let most = |block: ProjectBlock| (block.most_blocks, block.most_inodes);
        assert_eq!(most(bounds(Some(0), Some(0))), (1, 1));
        assert_eq!(most(bounds(Some(1025), None)), (2, 0));
    }

    #[test]
    fn an_id_of_an_administrator_s_is_not_ours() {
        assert!(!is_ours(0) && !is_ours(1000) && !is_ours(u32::MAX));
        assert!(is_ours(FIRST) && is_ours(FIRST + MANY - 1) && !is_ours(FIRST + MANY));
    }
}
