//! The environment block that the kernel put on the stack.

use std::ffi::{CStr, OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

unsafe extern "C" {
    static mut environ: *mut *mut libc::c_char;
}

/// The names in this process's environment. No value is copied: what lies in memory when a sandbox is
/// cloned lies in init's memory too, and secrets that no command gets must not.
pub fn environment_names() -> Vec<OsString> {
    // SAFETY: with one thread nobody moves the list meanwhile; it is empty or null-terminated.
    let mut entry = unsafe { environ };
    let mut names = Vec::new();
    while let Some(text) = entry_at(entry) {
        let name = text.to_bytes().split(|byte| *byte == b'=').next().unwrap_or_default();
        names.push(OsStr::from_bytes(name).to_owned());
        entry = entry.wrapping_add(1);
    }
    names
}

/// The string that `entry` points at, unless it ends the list.
fn entry_at<'a>(entry: *mut *mut libc::c_char) -> Option<&'a CStr> {
    if entry.is_null() {
        return None;
    }
    // SAFETY: `entry` points into the null-terminated list, at or before its end.
    let text = unsafe { *entry };
    // SAFETY: every entry of the list is a NUL-terminated string, and nobody changes it meanwhile.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
}

/// Removes a variable from this process's environment, which must have one thread.
pub(crate) fn remove_variable(name: &str) {
    // SAFETY: with one thread nobody reads or moves the list meanwhile.
    unsafe { std::env::remove_var(name) };
}

/// Overwrites every environment string of this process with zeroes and empties the list.
///
/// After it `/proc/PID/environ` and the process's memory tell nothing of what the caller had set.
/// Call it only in a process with one thread that no longer reads its environment.
pub(crate) fn wipe_environment() {
    wipe_environment_but(&[]);
}

/// The same of every string but those with these names.
pub(crate) fn wipe_environment_but(kept: &[&[u8]]) {
    // SAFETY: with one thread nobody reads or moves the list meanwhile.
    let mut entry = unsafe { environ };
    let mut free = entry;
    while let Some(text) = take_entry(entry) {
        if is_kept(text, kept) {
            put_entry(free, text);
            free = free.wrapping_add(1);
        } else {
            zero_string(text);
        }
        entry = entry.wrapping_add(1);
    }
}

fn is_kept(text: *const libc::c_char, kept: &[&[u8]]) -> bool {
    // SAFETY: every entry of the list is a NUL-terminated string, and nobody changes it meanwhile.
    let text = unsafe { CStr::from_ptr(text) }.to_bytes();
    kept.iter().any(|name| text.strip_prefix(*name).is_some_and(|rest| rest.starts_with(b"=")))
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

/// Puts a string back into the list, at a place that [`take_entry`] has emptied.
fn put_entry(entry: *mut *mut libc::c_char, text: *mut libc::c_char) {
    // SAFETY: `entry` points into the list, before its end.
    unsafe { entry.write(text) };
}

fn zero_string(text: *mut libc::c_char) {
    // SAFETY: every entry of the list is a NUL-terminated string.
    let length = unsafe { libc::strlen(text) };
    // SAFETY: the bytes before the terminator belong to this process and are writable.
    unsafe { libc::explicit_bzero(text.cast(), length) }
}
