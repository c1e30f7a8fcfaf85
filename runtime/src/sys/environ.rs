//! The environment block that the kernel put on the stack.

unsafe extern "C" {
    static mut environ: *mut *mut libc::c_char;
}

/// Overwrites every environment string of this process with zeroes and empties the list.
///
/// After it `/proc/PID/environ` and the process's memory tell nothing of what the caller had set.
/// Call it only in a process with one thread that no longer reads its environment.
pub(crate) fn wipe_environment() {
    // SAFETY: with one thread nobody reads or moves the list meanwhile.
    let mut entry = unsafe { environ };
    while let Some(text) = take_entry(entry) {
        zero_string(text);
        entry = entry.wrapping_add(1);
    }
}

/// Removes the string that `entry` points at from the list.
fn take_entry(entry: *mut *mut libc::c_char) -> Option<*mut libc::c_char> {
    if entry.is_null() {
        return None;
    }
    // SAFETY: `entry` points into the null-terminated list, at or before its end.
    let text = unsafe { entry.replace(std::ptr::null_mut()) };
    (!text.is_null()).then_some(text)
}

fn zero_string(text: *mut libc::c_char) {
    // SAFETY: every entry of the list is a NUL-terminated string.
    let length = unsafe { libc::strlen(text) };
    // SAFETY: the bytes before the terminator belong to this process and are writable.
    unsafe { libc::explicit_bzero(text.cast(), length) }
}
