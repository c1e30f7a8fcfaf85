//! Writes that wait for no reader.

use std::io::IoSlice;
use std::os::fd::AsFd;

use rustix::io::{ReadWriteFlags, Result, pwritev2};

/// Writes as much as is taken now, where the descriptor stands. Its own flags stay: others have it too, and rely on
/// them. Not every kernel can be asked not to wait for what is no file.
/// <https://man7.org/linux/man-pages/man2/pwritev2.2.html>
pub(crate) fn write_at_once(to: impl AsFd, bytes: &[u8]) -> Result<usize> {
    /// `-1`: not at a place of our choice, which a pipe does not have.
    const ANYWHERE: u64 = u64::MAX;
    pwritev2(to, &[IoSlice::new(bytes)], ANYWHERE, ReadWriteFlags::NOWAIT)
}
