//! What the C library keeps of memory that nobody uses any more.

/// Has all threads take memory from as few heaps: what one gives back another one can use.
/// <https://man7.org/linux/man-pages/man3/mallopt.3.html>
pub fn share_heaps(most: i32) {
    #[cfg(target_env = "gnu")]
    // SAFETY: sets a number.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, most)
    };
    #[cfg(not(target_env = "gnu"))]
    let _ = most;
}

/// Gives it back to the kernel, as far as the C library can.
/// <https://man7.org/linux/man-pages/man3/malloc_trim.3.html>
pub fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: touches no memory that is in use, and locks what it looks through.
    unsafe {
        libc::malloc_trim(0)
    };
}
