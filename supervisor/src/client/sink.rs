//! Where output goes: it may be a pipe that nobody empties, and is never waited for.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use crate::error::Error;

pub(super) struct Sink {
    to: OwnedFd,
    waiting: Vec<u8>,
    done: usize,
    /// Nobody reads it any more.
    is_closed: bool,
}

/// Whoever says that there is room has room for so much (`pipe(7)`).
const AT_ONCE: usize = 4096;

impl Sink {
    pub(super) fn new(to: BorrowedFd<'_>) -> Result<Self, Error> {
        let to = rustix::io::fcntl_dupfd_cloexec(to, 3)
            .map_err(|errno| Error::System("dup of a standard stream", errno.into()))?;
        Ok(Self { to, waiting: Vec::new(), done: 0, is_closed: false })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.to.as_fd()
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if !self.is_closed {
            self.waiting.extend_from_slice(bytes);
        }
    }

    pub(super) fn has_something(&self) -> bool {
        self.waiting() > 0
    }

    /// How many bytes.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len() - self.done
    }

    /// Writes once; false when nobody reads it any more.
    pub(super) fn write(&mut self) -> Result<bool, Error> {
        let end = self.waiting.len().min(self.done + AT_ONCE);
        match rustix::io::write(&self.to, &self.waiting[self.done..end]) {
            Ok(written) => self.done += written,
            Err(Errno::INTR | Errno::AGAIN) => {}
            // A terminal that has hung up is as good as a reader who went away.
            Err(Errno::PIPE | Errno::IO) => {
                (self.is_closed, self.done) = (true, self.waiting.len());
            }
            Err(errno) => return Err(Error::System("writing output", io::Error::from(errno))),
        }
        if self.done == self.waiting.len() {
            self.waiting.clear();
            self.done = 0;
        } else if self.done >= self.waiting.len() / 2 {
            self.waiting.drain(..self.done);
            self.done = 0;
        }
        Ok(!self.is_closed)
    }
}
