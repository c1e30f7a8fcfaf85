//! What the C library keeps of memory that nobody uses any more.

/// Gives it back to the kernel, as far as the C library can.
/// <https://man7.org/linux/man-pages/man3/malloc_trim.3.html>
pub(crate) fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: touches no memory that is in use, and locks what it looks through.
    unsafe {
        libc::malloc_trim(0)
    };
}
