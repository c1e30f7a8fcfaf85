//! What a caller does to a directory that nobody needs any more, before it is removed.

use std::ffi::CStr;
use std::os::fd::{AsFd as _, BorrowedFd};

use crate::descent::step;

/// Gives back what a directory was given by who used it, and may have died meanwhile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leave(pub(crate) fn(BorrowedFd<'_>));

impl Default for Leave {
    fn default() -> Self {
        Self(|_| {})
    }
}

impl Leave {
    /// Tells of the directory `name`; what cannot be opened was given nothing.
    pub(crate) fn tell(self, parent: BorrowedFd<'_>, name: &CStr) {
        if let Ok(directory) = step(parent, name) {
            (self.0)(directory.as_fd());
        }
    }
}
