//! Memory that processes have in common.

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, Ordering};

/// A number which a process and those that it forks see alike, whoever of them changes it.
pub(crate) struct SharedNumber(NonNull<AtomicI32>);

impl SharedNumber {
    /// Makes one that is 0.
    pub(crate) fn new() -> io::Result<Self> {
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping takes the place of none.
        let page = unsafe { libc::mmap(std::ptr::null_mut(), size_of::<AtomicI32>(), access, flags, -1, 0) };
        match NonNull::new(page).filter(|_| page != libc::MAP_FAILED) {
            Some(page) => Ok(Self(page.cast())),
            None => Err(io::Error::last_os_error()),
        }
    }

    pub(crate) fn get(&self) -> i32 {
        self.number().load(Ordering::SeqCst)
    }

    pub(crate) fn set(&self, number: i32) {
        self.number().store(number, Ordering::SeqCst);
    }

    /// Where the kernel may write to.
    pub(super) fn as_ptr(&self) -> *mut i32 {
        self.number().as_ptr()
    }

    fn number(&self) -> &AtomicI32 {
        // SAFETY: the mapping holds one, is aligned to a page, and lasts as long as this.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for SharedNumber {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours alone in this process.
        unsafe { libc::munmap(self.0.as_ptr().cast(), size_of::<AtomicI32>()) };
    }
}
