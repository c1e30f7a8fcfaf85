//! `execve(2)` with what it needs made beforehand.

use std::ffi::{CStr, CString};
use std::io;

/// Texts as the kernel wants them: pointers, and a null one at the end.
pub(crate) struct Texts<'a> {
    pointers: Vec<*const libc::c_char>,
    _texts: &'a [CString],
}

impl<'a> Texts<'a> {
    pub(crate) fn of(texts: &'a [CString]) -> Self {
        let pointers = texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
        Self { pointers, _texts: texts }
    }
}

/// Replaces the process; returns only if that fails. Nothing is allocated: a process with somebody else's memory
/// leaves nothing there.
/// <https://man7.org/linux/man-pages/man2/execve.2.html>
pub(crate) fn execve(program: &CStr, argv: &Texts<'_>, environment: &Texts<'_>) -> io::Error {
    // SAFETY: both arrays end with a null pointer, and what the others point to is borrowed for as long.
    unsafe { libc::execve(program.as_ptr(), argv.pointers.as_ptr(), environment.pointers.as_ptr()) };
    io::Error::last_os_error()
}
