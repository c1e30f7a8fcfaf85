//! Which start of the machine this is.

use std::sync::OnceLock;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

/// The kernel's random name of this boot; the same empty text for all where it does not say.
pub(crate) fn boot_id() -> String {
    /// Nobody lives through another one.
    static READ: OnceLock<String> = OnceLock::new();
    READ.get_or_init(|| read().unwrap_or_default()).clone()
}

fn read() -> Result<String, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(CWD, "/proc/sys/kernel/random/boot_id", flags, Mode::empty())?;
    let mut text = [0_u8; 64];
    let read = rustix::io::read(file, &mut text[..])?;
    Ok(String::from_utf8_lossy(&text[..read]).trim().to_owned())
}
