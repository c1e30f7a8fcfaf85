//! `fs/read`: a regular file, or a part of it.

use std::os::fd::OwnedFd;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustix::fs::Stat;
use rustix::io::{Errno, pread};

use super::beneath::Top;
use super::error::{FileCode, FileError, FileFault};
use super::stat::{mode_of, modified_of, size_of};
use super::wire::{ReadAnswer, ReadRequest};
use crate::digest::Digest;
use crate::text::whole_characters;

/// How much is told unless the caller says, and at most.
const USUAL: u64 = 1 << 20;
pub(super) const MOST: u64 = 8 << 20;
/// How much of a file is looked through for a line, or hashed.
pub(super) const LOOKED_AT: u64 = 1 << 30;
const PIECE: usize = 256 << 10;

/// What part of the file was read.
struct Part {
    offset: u64,
    content: Vec<u8>,
    truncated: bool,
}

pub(super) fn read(top: &Top, request: &ReadRequest) -> Result<ReadAnswer, FileError> {
    let path = top.relative(&request.path.0)?;
    if request.line == Some(0) || request.offset > 0 && (request.line.is_some() || request.lines.is_some()) {
        return Err(FileFault::request(&path, "`line` counts from 1, and `offset` goes without lines"));
    }
    let (file, stat) = top.regular(&path)?;
    let failed = |errno| FileFault::system("reading", &path, errno);
    let most = request.max_bytes.unwrap_or(USUAL).min(MOST);
    let mut part = match request.line.is_some() || request.lines.is_some() {
        false => bytes(&file, request.offset.min(size_of(&stat)), most).map_err(failed)?,
        true => {
            let first = request.line.unwrap_or(1);
            let begin = begin_of(&file, first).map_err(failed)?;
            lines(bytes(&file, begin, most).map_err(failed)?, request.lines)
        }
    };
    let whole = part.offset == 0 && !part.truncated;
    let sha256 = match (whole, request.sha256) {
        (true, _) => Some(crate::digest::sha256(&part.content)),
        (false, true) => Some(hash(&file, &stat).map_err(failed)?),
        (false, false) => None,
    };
    let cut = cut(&part.content, part.truncated);
    part.truncated |= cut < part.content.len();
    part.content.truncate(cut);
    let next = part.offset + part.content.len() as u64;
    let (text, bytes) = match String::from_utf8(part.content) {
        Ok(text) => (Some(text), None),
        Err(error) => (None, Some(BASE64_STANDARD.encode(error.as_bytes()))),
    };
    Ok(ReadAnswer {
        text,
        bytes,
        offset: part.offset,
        truncated: part.truncated,
        next: part.truncated.then_some(next),
        size: size_of(&stat),
        mode: mode_of(&stat),
        modified_ms: modified_of(&stat),
        sha256,
    })
}

/// A part of the file, and whether there is more.
fn bytes(file: &OwnedFd, offset: u64, most: u64) -> Result<Part, Errno> {
    let mut content = Vec::new();
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    // One byte more tells whether there is more.
    while content.len() <= most {
        let room = (most + 1 - content.len()).min(PIECE);
        let at = content.len();
        content.resize(at + room, 0);
        let read = piece(file, &mut content[at..], offset.saturating_add(at as u64))?;
        content.truncate(at + read);
        if read == 0 {
            break;
        }
    }
    let truncated = content.len() > most;
    content.truncate(most);
    Ok(Part { offset, content, truncated })
}

/// Where a line begins; the end of the file if there are fewer.
fn begin_of(file: &OwnedFd, line: u64) -> Result<u64, Errno> {
    let (mut offset, mut left) = (0, line - 1);
    let mut buffer = vec![0; PIECE];
    while left > 0 {
        let read = piece(file, &mut buffer, offset)?;
        if read == 0 {
            return Ok(offset);
        }
        for (index, _) in buffer[..read].iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            left -= 1;
            if left == 0 {
                return Ok(offset + index as u64 + 1);
            }
        }
        offset += read as u64;
        if offset > LOOKED_AT {
            return Err(Errno::FBIG);
        }
    }
    Ok(offset)
}

/// The first lines of a part.
fn lines(part: Part, count: Option<u64>) -> Part {
    let count = count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
    let ends = part.content.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let end = if count == 0 { Some(0) } else { ends.map(|(index, _)| index + 1).nth(count - 1) };
    let end = end.unwrap_or(part.content.len());
    let truncated = part.truncated || end < part.content.len();
    let mut content = part.content;
    content.truncate(end);
    Part { content, truncated, ..part }
}

/// How much of it is whole characters. What is no text, or would be nothing, is left as it is.
fn cut(content: &[u8], truncated: bool) -> usize {
    let whole = whole_characters(content);
    let is_text = truncated && whole > 0 && std::str::from_utf8(&content[..whole]).is_ok();
    if is_text { whole } else { content.len() }
}

/// Of the whole file.
pub(super) fn hash(file: &OwnedFd, stat: &Stat) -> Result<String, Errno> {
    if size_of(stat) > LOOKED_AT {
        return Err(Errno::FBIG);
    }
    let (mut digest, mut offset) = (Digest::default(), 0);
    let mut buffer = vec![0; PIECE];
    loop {
        match piece(file, &mut buffer, offset)? {
            0 => return Ok(digest.text()),
            read => {
                digest.add(&buffer[..read]);
                offset += read as u64;
            }
        }
        if offset > LOOKED_AT {
            return Err(Errno::FBIG);
        }
    }
}

/// All of a file that is to be changed.
pub(super) fn whole(file: &OwnedFd, path: &std::path::Path) -> Result<Vec<u8>, FileError> {
    let part = bytes(file, 0, MOST).map_err(|errno| FileFault::system("reading", path, errno))?;
    if part.truncated {
        return Err(FileFault::new(FileCode::Size, path, format!("it has more than {MOST} bytes")));
    }
    Ok(part.content)
}

fn piece(file: &OwnedFd, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
    loop {
        match pread(file, &mut *buffer, offset) {
            Err(Errno::INTR) => {}
            read => return read,
        }
    }
}
