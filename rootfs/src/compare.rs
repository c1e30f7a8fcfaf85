//! Whether a file that was copied up still is what it was.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, SeekFrom, Stat, openat, readlinkat, seek, tell};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::attributes::attributes;
use crate::merged::Merged;
use crate::stack::Found;

/// What a changed path is now; for a deletion, what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character or block device.
    Device,
}

impl Kind {
    pub(crate) fn of(stat: &Stat) -> Self {
        Self::of_type(FileType::from_raw_mode(stat.st_mode))
    }

    pub(crate) fn of_type(file_type: FileType) -> Self {
        match file_type {
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Symlink,
            FileType::Fifo => Self::Fifo,
            FileType::Socket => Self::Socket,
            FileType::CharacterDevice | FileType::BlockDevice => Self::Device,
            FileType::RegularFile | FileType::Unknown => Self::File,
        }
    }
}

/// Whether `name` is no directory and has the same type, mode, size, attributes and content in both.
///
/// Times are not asked: a command can set them. What cannot be read counts as changed.
pub(crate) fn same(old: (&Merged<'_>, &Found), new: (&Merged<'_>, &Found), name: &CStr) -> bool {
    let ((_, Found { stat: Some(before), .. }), (_, Found { stat: Some(now), .. })) = (old, new) else {
        return false;
    };
    if now.st_mode != before.st_mode || now.st_size != before.st_size || now.st_rdev != before.st_rdev {
        return false;
    }
    let Some((old, new)) = old.0.directory(old.1.layer).zip(new.0.directory(new.1.layer)) else {
        return false;
    };
    match Kind::of(now) {
        Kind::File => same_content(old, new, name).unwrap_or(false),
        Kind::Symlink => {
            let target = |directory| readlinkat(directory, name, Vec::new());
            matches!((target(old), target(new)), (Ok(before), Ok(now)) if before == now)
        }
        // What is in a directory is not known here.
        Kind::Directory => false,
        Kind::Fifo | Kind::Socket | Kind::Device => true,
    }
}

fn same_content(old: BorrowedFd<'_>, new: BorrowedFd<'_>, name: &CStr) -> Result<bool, Errno> {
    let (old, new) = (open(old, name)?, open(new, name)?);
    Ok(attributes(&old)? == attributes(&new)? && same_bytes(&old, &new)?)
}

/// Whether two files, which stand at the same place, have the same content from there to their ends.
pub(crate) fn same_bytes(old: &OwnedFd, new: &OwnedFd) -> Result<bool, Errno> {
    let (mut before, mut now) = (vec![0; BLOCK], vec![0; BLOCK]);
    loop {
        let (before, now) = (fill(old, &mut before)?, fill(new, &mut now)?);
        if now != before || now.is_empty() {
            return Ok(now == before);
        }
        if now.iter().all(|&byte| byte == 0) {
            skip_holes(old, new)?;
        }
    }
}

/// Goes on where one of the two has data again: a hole larger than any disk costs a command nothing, and
/// would take days to read.
fn skip_holes(old: &OwnedFd, new: &OwnedFd) -> Result<(), Errno> {
    let next = |file: &OwnedFd| {
        let here = tell(file)?;
        match seek(file, SeekFrom::Data(here)) {
            Err(Errno::NXIO) => seek(file, SeekFrom::End(0)),
            // Not every file system tells where its holes are.
            data => Ok(data.unwrap_or(here)),
        }
    };
    let next = next(old)?.min(next(new)?);
    [old, new].iter().try_for_each(|file| seek(file, SeekFrom::Start(next)).map(drop))
}

pub(crate) const BLOCK: usize = 64 * 1024;

fn open(directory: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat(directory, name, flags, Mode::empty())
}

/// Reads until the buffer is full or the file ends, so that short reads on one side don't shift the blocks.
pub(crate) fn fill<'a>(file: &OwnedFd, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::read(file, &mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(&buffer[..filled])
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt as _;

    use super::*;

    /// Terabytes of holes, with a byte in the middle.
    fn sparse(byte: u8) -> OwnedFd {
        let file = tempfile::tempfile().unwrap();
        file.set_len(1 << 43).unwrap();
        file.write_all_at(&[byte], 1 << 42).unwrap();
        file.into()
    }

    #[test]
    fn holes_are_not_read() {
        // To read them would take an hour.
        assert!(same_bytes(&sparse(1), &sparse(1)).unwrap());
        assert!(!same_bytes(&sparse(1), &sparse(2)).unwrap());
        let short = File::from(sparse(1));
        short.set_len((1 << 43) - 1).unwrap();
        assert!(!same_bytes(&short.into(), &sparse(1)).unwrap());
    }
}
