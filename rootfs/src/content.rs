//! Copying one file: its blocks shared where the file system can, else its data, and holes as holes.

use std::os::fd::OwnedFd;

use rustix::fs::{SeekFrom, copy_file_range, ftruncate, ioctl_ficlone, seek};
use rustix::io::{Errno, pread, pwrite};

/// At most so much is copied by one call.
const BLOCK: usize = 1 << 20;

/// Copies `size` bytes.
pub(crate) fn copy_content(from: &OwnedFd, to: &OwnedFd, size: u64) -> Result<(), Errno> {
    if size == 0 || ioctl_ficlone(to, from).is_ok() {
        return Ok(());
    }
    ftruncate(to, size)?;
    let mut at = 0;
    while at < size {
        let start = match seek(from, SeekFrom::Data(at)) {
            Ok(start) => start,
            // Nothing but a hole is left.
            Err(Errno::NXIO) => break,
            // Not every file system tells where its holes are.
            Err(_) => at,
        };
        let end = seek(from, SeekFrom::Hole(start)).unwrap_or(size).min(size);
        copy_range(from, to, start, end)?;
        at = end.max(start + 1);
    }
    Ok(())
}

fn copy_range(from: &OwnedFd, to: &OwnedFd, mut at: u64, end: u64) -> Result<(), Errno> {
    while at < end {
        let most = usize::try_from(end - at).unwrap_or(BLOCK).min(BLOCK);
        let (mut read, mut write) = (at, at);
        let copied = match copy_file_range(from, Some(&mut read), to, Some(&mut write), most) {
            Err(Errno::INTR) => continue,
            Err(Errno::XDEV | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL | Errno::PERM) => {
                read_and_write(from, to, at, most)?
            }
            copied => copied?,
        };
        // It has become shorter meanwhile; what is missing is a hole.
        if copied == 0 {
            return Ok(());
        }
        at += copied as u64;
    }
    Ok(())
}

fn read_and_write(from: &OwnedFd, to: &OwnedFd, at: u64, most: usize) -> Result<usize, Errno> {
    let mut buffer = vec![0; most];
    let read = pread(from, &mut buffer[..], at)?;
    let mut written = 0;
    while written < read {
        written += pwrite(to, &buffer[written..read], at + written as u64)?;
    }
    Ok(read)
}
