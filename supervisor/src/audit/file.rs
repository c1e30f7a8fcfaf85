//! A file of the record, by its descriptor.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, FlockOperation, Mode, OFlags, flock, openat};
use rustix::io::Errno;

use super::error::AuditError;

/// An open file.
#[derive(Debug)]
pub(super) struct File(pub(super) OwnedFd);

impl File {
    /// Opens it to read it.
    pub(super) fn read_only(path: &Path) -> Result<Self, AuditError> {
        Self::open(path, OFlags::RDONLY)
    }

    /// Opens it to write after its end, and makes it where there is none.
    pub(super) fn append(path: &Path) -> Result<Self, AuditError> {
        Self::open(path, OFlags::RDWR | OFlags::APPEND | OFlags::CREATE)
    }

    /// The caller owns the state directory, so a link in it is nobody else's; it is refused all the same.
    fn open(path: &Path, flags: OFlags) -> Result<Self, AuditError> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = openat(CWD, path, flags, Mode::RUSR | Mode::WUSR);
        opened.map(Self).map_err(|errno| AuditError::at("opening", path, errno))
    }

    /// Waits until the lock is there.
    pub(super) fn lock(&self, how: FlockOperation) -> Result<(), Errno> {
        loop {
            match flock(&self.0, how) {
                Err(Errno::INTR) => {}
                locked => return locked,
            }
        }
    }

    /// Reads the whole of `bytes` from there on.
    pub(super) fn read_exact_at(&self, mut bytes: &mut [u8], mut from: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::pread(&self.0, &mut *bytes, from) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    bytes = &mut bytes[read..];
                    from += read as u64;
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }
}

impl Read for File {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(&self.0, bytes)?)
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(&self.0, bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
