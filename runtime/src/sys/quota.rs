//! Project ids of directories, and the quotas of projects.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

/// What `ioctl(FS_IOC_FSGETXATTR)` tells: `struct fsxattr` of `linux/fs.h`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct FileAttributes {
    pub(crate) flags: u32,
    extent_size: u32,
    extents: u32,
    pub(crate) project: u32,
    copy_extent_size: u32,
    padding: [u8; 8],
}

/// What is made in a directory belongs to the directory's project.
pub(crate) const PROJECT_INHERITED: u32 = 0x0000_0200;

/// A project's limits and use: `struct if_dqblk` of `linux/quota.h`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ProjectBlock {
    /// In blocks of 1024 bytes; 0 is no limit.
    pub(crate) most_blocks: u64,
    pub(crate) soft_blocks: u64,
    /// In bytes.
    pub(crate) bytes: u64,
    /// 0 is no limit.
    pub(crate) most_inodes: u64,
    pub(crate) soft_inodes: u64,
    pub(crate) inodes: u64,
    pub(crate) block_time: u64,
    pub(crate) inode_time: u64,
    pub(crate) valid: u32,
}

/// The limits of a [`ProjectBlock`] mean something: `QIF_LIMITS`.
pub(crate) const LIMITS_ARE_SET: u32 = 1 | 4;

/// What is switched on in a file system, the beginning of `struct fs_quota_stat` of `linux/dqblk_xfs.h`.
#[repr(C)]
#[derive(Default)]
struct QuotaState {
    version: i8,
    flags: u16,
    /// The whole structure takes 80 bytes.
    rest: [u64; 15],
}

const FS_IOC_FSGETXATTR: libc::c_ulong = 0x801c_581f;
const FS_IOC_FSSETXATTR: libc::c_ulong = 0x401c_5820;
const PRJQUOTA: libc::c_uint = 2;
const Q_GETQUOTA: libc::c_uint = 0x0080_0007;
const Q_SETQUOTA: libc::c_uint = 0x0080_0008;
const Q_XGETQSTAT: libc::c_uint = 0x5805;

/// Project and flags of an open file.
/// <https://man7.org/linux/man-pages/man2/ioctl_xfs_fsgetxattr.2.html>
pub(crate) fn file_attributes(file: BorrowedFd<'_>) -> io::Result<FileAttributes> {
    let mut attributes = FileAttributes::default();
    // SAFETY: the kernel writes one `struct fsxattr`, which `attributes` is, and keeps no pointer to it.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), FS_IOC_FSGETXATTR, &raw mut attributes) };
    super::check(result.into())?;
    Ok(attributes)
}

/// Gives an open file that project and these flags.
pub(crate) fn set_file_attributes(file: BorrowedFd<'_>, attributes: &FileAttributes) -> io::Result<()> {
    // SAFETY: the kernel reads one `struct fsxattr`, which `attributes` is, and keeps no pointer to it.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), FS_IOC_FSSETXATTR, &raw const *attributes) };
    super::check(result.into())?;
    Ok(())
}

/// What a project of a file's file system uses, and may use.
/// <https://man7.org/linux/man-pages/man2/quotactl.2.html>
pub(crate) fn project_quota(file: BorrowedFd<'_>, project: u32) -> io::Result<ProjectBlock> {
    let mut block = ProjectBlock::default();
    // SAFETY: the kernel writes one `struct if_dqblk`, which `block` is, and keeps no pointer to it.
    unsafe { quotactl(file, Q_GETQUOTA, project, (&raw mut block).cast()) }?;
    Ok(block)
}

/// Sets what a project of a file's file system may use.
pub(crate) fn set_project_quota(
    file: BorrowedFd<'_>,
    project: u32,
    mut block: ProjectBlock,
) -> io::Result<()> {
    // SAFETY: the kernel reads one `struct if_dqblk`, which `block` is, and keeps no pointer to it.
    unsafe { quotactl(file, Q_SETQUOTA, project, (&raw mut block).cast()) }
}

/// The kinds of quota that a file's file system counts and holds, as `FS_QUOTA_*` bits.
pub(crate) fn quota_state(file: BorrowedFd<'_>) -> io::Result<u16> {
    let mut state = QuotaState::default();
    // SAFETY: the kernel writes one `struct fs_quota_stat`; `state` is larger, and no pointer to it is kept.
    unsafe { quotactl(file, Q_XGETQSTAT, 0, (&raw mut state).cast()) }?;
    Ok(state.flags)
}

/// `quotactl_fd(2)`, for projects.
///
/// # Safety
///
/// `address` leads to what the command reads or writes.
unsafe fn quotactl(
    file: BorrowedFd<'_>,
    command: libc::c_uint,
    project: u32,
    address: *mut libc::c_void,
) -> io::Result<()> {
    let command = command << 8 | PRJQUOTA;
    // SAFETY: the caller says that `address` is what this command wants.
    super::check(unsafe {
        libc::syscall(libc::SYS_quotactl_fd, file.as_raw_fd(), command, project, address)
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_are_as_large_as_the_kernel_s() {
        assert_eq!(size_of::<FileAttributes>(), 28);
        assert_eq!(size_of::<ProjectBlock>(), 72);
        assert!(size_of::<QuotaState>() >= 80);
        assert_eq!(std::mem::offset_of!(QuotaState, flags), 2);
    }
}
