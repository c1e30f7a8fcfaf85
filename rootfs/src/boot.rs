//! Which start of the machine this is.

use rustix::fs::{CWD, Mode, OFlags, openat};

/// The kernel's random name of this boot; the same empty text for all where it does not say.
pub(crate) fn boot_id() -> String {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let Ok(file) = openat(CWD, "/proc/sys/kernel/random/boot_id", flags, Mode::empty()) else {
        return String::new();
    };
    let mut text = [0_u8; 64];
    let read = rustix::io::read(file, &mut text[..]).unwrap_or(0);
    String::from_utf8_lossy(&text[..read]).trim().to_owned()
}
