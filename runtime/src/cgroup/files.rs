//! The small files of a group, opened below a descriptor of its directory.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, openat};
use rustix::path::Arg;

use crate::error::{AtStage as _, Failure, Stage};

/// Opens a file to read it, more than once where it is polled.
pub(super) fn open(directory: impl AsFd, name: impl Arg) -> io::Result<OwnedFd> {
    Ok(openat(directory, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Reads a file that the kernel writes at once, as it does those of a group.
pub(super) fn read(directory: impl AsFd, name: &str) -> io::Result<String> {
    read_again(open(directory, name)?)
}

/// Reads such a file from its beginning, which also arms it for `poll(2)`.
pub(super) fn read_again(file: impl AsFd) -> io::Result<String> {
    read_until(file, |count, room| count < room)
}

/// Reads a list, which the kernel writes entry by entry.
pub(super) fn read_list(directory: impl AsFd, name: impl Arg) -> io::Result<String> {
    read_until(open(directory, name)?, |count, _| count == 0)
}

fn read_until(file: impl AsFd, is_end: impl Fn(usize, usize) -> bool) -> io::Result<String> {
    let mut text = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = rustix::io::pread(&file, &mut piece, text.len() as u64)?;
        text.extend_from_slice(&piece[..count]);
        if is_end(count, piece.len()) {
            break;
        }
    }
    String::from_utf8(text).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Writes a value by one `write(2)`, as these files take it; none is ever made.
pub(super) fn write(directory: impl AsFd, name: &str, value: &str) -> io::Result<()> {
    let file = openat(directory, name, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(file, value.as_bytes())?;
    Ok(())
}

/// Writes a value, and tells as a failure what the kernel did not take.
pub(super) fn set(directory: impl AsFd, name: &str, value: &str) -> Result<(), Failure> {
    write(directory, name, value).at(Stage::Limits, || format!("write({name:?}, {value:?})"))
}

/// The number that a file holds.
pub(super) fn number(directory: impl AsFd, name: &str) -> Option<u64> {
    read(directory, name).ok()?.trim_end().parse().ok()
}

/// The number behind a key, in a text of `KEY NUMBER` lines.
pub(super) fn value_of(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.parse().ok())
}
