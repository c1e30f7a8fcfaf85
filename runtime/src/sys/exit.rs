//! `_exit(2)`.

/// Ends the calling process without running exit handlers or flushing streams, which belong to the
/// process that it was forked from. <https://man7.org/linux/man-pages/man2/_exit.2.html>
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: takes no pointer and does not return.
    unsafe { libc::_exit(code) }
}
