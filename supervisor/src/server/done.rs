//! Something that happens once, and whoever waits for it.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::error::Error;

/// How long a client that reads nothing may hold up the end.
pub(crate) const LAST_WORDS: Duration = Duration::from_secs(2);

/// Whether it has happened: readable from then on.
#[derive(Clone)]
pub(crate) struct Done(Arc<EventFd>);

impl Done {
    pub(crate) fn new() -> Result<Self, Error> {
        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK);
        Ok(Self(Arc::new(event.map_err(|errno| Error::System("eventfd", errno.into()))?)))
    }

    pub(crate) fn tell(&self) {
        // It cannot be full.
        let _ = self.0.write(1);
    }

    /// Waits for it, but no longer than this; says whether it has happened.
    pub(crate) fn wait(&self, patience: Duration) -> bool {
        let mut polled = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        poll(&mut polled, patience).is_ok_and(|ready| ready > 0)
    }
}

impl AsFd for Done {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
