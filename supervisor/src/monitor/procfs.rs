//! Small files of a sandbox's procfs, read beneath its descriptor.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, RawDir, openat};

/// The numeric names in a directory: processes, or the descriptors of one.
pub(super) fn numbers(directory: impl AsFd, path: &str) -> io::Result<Vec<u32>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = openat(directory, path, flags, Mode::empty())?;
    let mut buffer = [MaybeUninit::uninit(); 16 << 10];
    let mut reader = RawDir::new(&opened, &mut buffer);
    let mut numbers = Vec::new();
    while let Some(entry) = reader.next() {
        numbers.extend(entry?.file_name().to_str().ok().and_then(|name| name.parse::<u32>().ok()));
    }
    Ok(numbers)
}

/// A whole file, in `text`.
pub(super) fn read(directory: impl AsFd, path: &str, text: &mut Vec<u8>) -> io::Result<()> {
    let file = openat(directory, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    read_open(&file, text)
}

/// A whole file that is open already, from its start.
pub(super) fn read_open(file: &OwnedFd, text: &mut Vec<u8>) -> io::Result<()> {
    text.clear();
    let mut part = [0; 8 << 10];
    loop {
        match rustix::io::pread(file, &mut part, text.len() as u64)? {
            0 => return Ok(()),
            count => text.extend_from_slice(&part[..count]),
        }
    }
}

/// The first number behind `key`, which begins a line.
pub(super) fn value(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}
