//! What files hold, read by side: whole where it is text, in pieces where it is not.

use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use rustix::io::Errno;

use super::hunks::LineDiff;
use super::{Diff, DiffError, Entry, Side};
use crate::compare::{BLOCK, Kind, fill, same_bytes};
use crate::stack::Stack;
use crate::walk::WalkError;

/// What is longer is taken as binary: a diff of lines holds both sides in memory.
pub(super) const TEXT: u64 = 8 * 1024 * 1024;

/// As git does: text has no NUL in so many first bytes.
const LOOKED_AT: usize = 8000;

/// How large a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say themselves")]
pub enum Size {
    /// Lines of text.
    Lines { added: u64, deleted: u64 },
    /// Bytes before and after, of what is no text.
    Bytes { old: u64, new: u64 },
    /// Of what has no content: directories, pipes.
    Nothing,
}

/// The content of one side.
pub(super) enum Content {
    Text(Vec<u8>),
    Binary,
}

impl Diff<'_> {
    /// Measures an entry, which reads it.
    pub fn size(&self, entry: &Entry) -> Result<Size, DiffError> {
        let has_content = |side: &Option<Side>| side.is_none_or(|side| side.git_mode().is_some());
        let bytes = |side: &Option<Side>| side.map_or(0, |side| side.size);
        if !has_content(&entry.old) || !has_content(&entry.new) {
            return Ok(Size::Nothing);
        }
        let old = self.content_of(self.old, entry.old_path(), entry.old.as_ref())?;
        let new = self.content_of(self.new, &entry.path, entry.new.as_ref())?;
        Ok(match (old, new) {
            (Content::Text(old), Content::Text(new)) => {
                let (deleted, added) = LineDiff::of(&old, &new).counts();
                Size::Lines { added, deleted }
            }
            _ => Size::Bytes { old: bytes(&entry.old), new: bytes(&entry.new) },
        })
    }

    /// What both sides of an entry hold, where that is a file of text; anything else is empty.
    pub fn texts<'a>(&self, entry: &'a Entry) -> Result<(Vec<u8>, Vec<u8>), DiffError> {
        let text = |content| match content {
            Content::Text(text) => text,
            Content::Binary => Vec::new(),
        };
        let file = |side: &'a Option<Side>| side.as_ref().filter(|side| side.kind == Kind::File);
        let old = self.content_of(self.old, entry.old_path(), file(&entry.old))?;
        let new = self.content_of(self.new, &entry.path, file(&entry.new))?;
        Ok((text(old), text(new)))
    }

    /// Reads a side; one that is absent is empty.
    pub(super) fn content_of(
        &self,
        stack: &Stack,
        path: &Path,
        side: Option<&Side>,
    ) -> Result<Content, WalkError> {
        match side {
            None => Ok(Content::Text(Vec::new())),
            Some(side) if side.kind == Kind::Symlink => {
                let target = stack.read_link_in(side.layer, path)?;
                Ok(Content::Text(target.into_os_string().into_vec()))
            }
            Some(side) if side.size > TEXT => Ok(Content::Binary),
            Some(side) => {
                let mut text = Vec::with_capacity(usize::try_from(side.size).unwrap_or(0));
                let mut is_binary = false;
                read_side(stack, path, side, &mut |block| {
                    is_binary |= text.len() < LOOKED_AT && has_nul(&block[..block.len().min(LOOKED_AT)]);
                    text.extend_from_slice(block);
                })?;
                Ok(if is_binary { Content::Binary } else { Content::Text(text) })
            }
        }
    }

    /// Whether a file of the old stack has the same bytes as one of the new.
    pub(super) fn is_same_file(&self, old: (&Path, &Side), new: (&Path, &Side)) -> Result<bool, WalkError> {
        let before = self.old.open_file_in(old.1.layer, old.0)?;
        let now = self.new.open_file_in(new.1.layer, new.0)?;
        same_bytes(&before, &now).map_err(|errno| self.new.failed(new.1.layer, new.0, errno))
    }
}

fn has_nul(bytes: &[u8]) -> bool {
    bytes.contains(&0)
}

/// Reads the content of a side in blocks; fails where it has not the size any more that it had.
pub(super) fn read_side(
    stack: &Stack,
    path: &Path,
    side: &Side,
    take: &mut dyn FnMut(&[u8]),
) -> Result<(), WalkError> {
    if side.kind == Kind::Symlink {
        take(&stack.read_link_in(side.layer, path)?.into_os_string().into_vec());
        return Ok(());
    }
    let file = stack.open_file_in(side.layer, path)?;
    read_blocks(&file, side.size, take).map_err(|errno| stack.failed(side.layer, path, errno))
}

fn read_blocks(file: &OwnedFd, size: u64, take: &mut dyn FnMut(&[u8])) -> Result<(), Errno> {
    let (mut block, mut left) = (vec![0; BLOCK], size);
    loop {
        let read = fill(file, &mut block)?;
        left = left.checked_sub(read.len() as u64).ok_or(Errno::STALE)?;
        if read.is_empty() {
            return if left == 0 { Ok(()) } else { Err(Errno::STALE) };
        }
        take(read);
    }
}
