//! Which descriptors a process holds.

use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};

use crate::error::{AtStage as _, Failure, Stage};
use crate::sys::close_range;

/// Closes every descriptor but those of `kept` and the standard three.
pub(crate) fn close_all_but<'fd>(kept: impl Iterator<Item = BorrowedFd<'fd>>) -> Result<(), Failure> {
    let mut kept: Vec<RawFd> = kept.map(|fd| fd.as_raw_fd()).filter(|fd| *fd > 2).collect();
    kept.sort_unstable();
    let mut first = 3;
    for fd in kept.into_iter().map(|fd| fd as u32) {
        if fd > first {
            close(first, fd - 1, 0)?;
        }
        first = fd + 1;
    }
    close(first, u32::MAX, 0)
}

/// Marks every descriptor but the standard three to be closed by `execve(2)`, whoever opened it.
pub(crate) fn close_on_exec() -> Result<(), Failure> {
    close(3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC)
}

fn close(first: u32, last: u32, flags: libc::c_uint) -> Result<(), Failure> {
    close_range(first, last, flags)
        .at(Stage::Descriptors, || format!("close_range({first}, {last}, {flags})"))
}
