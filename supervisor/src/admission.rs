//! Waiting for a place where only so many sandboxes may live at once.

use clearing_rootfs::{Store, Ticket, WhenFull};

use crate::error::Error;

/// How many sandboxes may live on the state directory at once, and what to do when so many do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admission {
    pub(crate) limit: usize,
    pub(crate) when_full: WhenFull,
}

impl Admission {
    /// A place is the caller's until the ticket is dropped. `tell` hears the place in the queue.
    pub(crate) fn draw(self, tell: impl FnMut(usize)) -> Result<Ticket, Error> {
        let state = Store::default_path(&|name| std::env::var_os(name))?;
        Ok(Store::open(&state)?.admit(self.limit, self.when_full, tell)?)
    }
}
