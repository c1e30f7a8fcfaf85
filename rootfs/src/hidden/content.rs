//! Whether a file holds what makes it a secret.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::beneath::open_beneath;
use crate::compare::fill;

/// A key stands near the beginning of its file.
const LOOKED_AT: usize = 1 << 20;

/// Whether the file has one of the texts in it. What cannot be read might.
pub(super) fn holds(top: &OwnedFd, path: &Path, texts: &[&str]) -> bool {
    read(top, path).map_or(true, |bytes| texts.iter().any(|text| contains(&bytes, text.as_bytes())))
}

fn read(top: &OwnedFd, path: &Path) -> Result<Vec<u8>, Errno> {
    let file = open_beneath(top, path, OFlags::NONBLOCK | OFlags::NOCTTY)?;
    let mut buffer = vec![0; LOOKED_AT];
    let length = fill(&file, &mut buffer)?.len();
    buffer.truncate(length);
    Ok(buffer)
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len().max(1)).any(|window| window == text)
}
