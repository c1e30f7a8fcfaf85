//! git's binary patches: what a file holds, packed by zlib, in letters of base 85.

use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use sha1_smol::Sha1;

use super::content::read_side;
use super::lines::{Lines, Part};
use super::{DiffError, Side};
use crate::stack::Stack;
use crate::walk::WalkError;

/// The name that git gives to nothing.
pub(super) const NO_BLOB: &str = "0000000000000000000000000000000000000000";

/// The name that git gives to a content of this size; `git apply` holds a binary file against it.
///
/// SHA-1 is a name here and nothing is trusted for having it.
pub(super) fn blob_of_side(stack: &Stack, path: &Path, side: &Side) -> Result<String, WalkError> {
    let mut sha = Sha1::from(format!("blob {}\0", side.size));
    read_side(stack, path, side, &mut |block| sha.update(block))?;
    Ok(sha.digest().to_string())
}

/// The name that git gives to this content.
pub(crate) fn blob_of(content: &[u8]) -> String {
    let mut sha = Sha1::from(format!("blob {}\0", content.len()));
    sha.update(content);
    sha.digest().to_string()
}

/// Writes the whole content of a side, in bounded memory; an absent side is empty.
pub(super) fn write_literal(
    stack: &Stack,
    path: &Path,
    side: Option<&Side>,
    out: &mut dyn Lines,
) -> Result<(), DiffError> {
    let size = side.map_or(0, |side| side.size);
    out.line(Part::Context, format!("literal {size}").as_bytes()).map_err(DiffError::Write)?;
    let mut packed =
        ZlibEncoder::new(Letters { out, line: Vec::with_capacity(LINE) }, Compression::default());
    let mut written = Ok(());
    if let Some(side) = side {
        read_side(stack, path, side, &mut |block| {
            if written.is_ok() {
                written = packed.write_all(block);
            }
        })?;
    }
    let ended = written.and_then(|()| packed.finish()).and_then(Letters::end);
    ended.map_err(DiffError::Write)
}

/// So many bytes go into a line.
const LINE: usize = 52;

/// git's digits of base 85.
pub(crate) const ALPHABET: &[u8; 85] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

/// Cuts bytes into lines of letters, the first of which says how many bytes the line has.
struct Letters<'a> {
    out: &'a mut dyn Lines,
    line: Vec<u8>,
}

impl Letters<'_> {
    fn end(mut self) -> io::Result<()> {
        self.write_line()?;
        self.out.line(Part::Context, b"")
    }

    fn write_line(&mut self) -> io::Result<()> {
        if self.line.is_empty() {
            return Ok(());
        }
        let text = letters(&self.line);
        self.line.clear();
        self.out.line(Part::Context, &text)
    }
}

impl Write for Letters<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(LINE - self.line.len());
        self.line.extend_from_slice(&bytes[..taken]);
        if self.line.len() == LINE {
            self.write_line()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn letters(bytes: &[u8]) -> Vec<u8> {
    let count = bytes.len() as u8;
    let mut text = vec![if count <= 26 { b'A' + count - 1 } else { b'a' + count - 27 }];
    for four in bytes.chunks(4) {
        let mut padded = [0; 4];
        padded[..four.len()].copy_from_slice(four);
        let mut number = u32::from_be_bytes(padded);
        let mut five = [0; 5];
        for letter in five.iter_mut().rev() {
            *letter = ALPHABET[(number % 85) as usize];
            number /= 85;
        }
        text.extend(five);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_those_of_git() {
        // `git diff --binary` of a file that becomes empty has this for nothing, packed.
        assert_eq!(letters(&[0x78, 0x01, 0x03, 0, 0, 0, 0, 1]), b"HcmV?d00001");
    }

    #[test]
    fn a_content_has_the_name_that_git_gives_it() {
        assert_eq!(blob_of(b""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(blob_of(b"hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
    }
}
