//! git's binary patches, read: letters of base 85, unpacked by zlib, and deltas upon another content.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

use super::class::{Class, Refusal};
use super::entry::{Method, Packed};
use super::lines::{Lines, chomp};
use super::simulate::spend;

/// Reads what follows `GIT binary patch`: the way forward, and the way back, which nobody goes here but
/// which must be whole.
pub(super) fn packed(lines: &mut Lines<'_>, largest: usize) -> Result<Packed, Refusal> {
    let at = lines.number();
    let forward = one(lines, largest)?;
    let forward = forward.ok_or_else(|| Class::Binary.refuse("no data follow").at(at))?;
    one(lines, largest)?;
    Ok(forward)
}

fn one(lines: &mut Lines<'_>, largest: usize) -> Result<Option<Packed>, Refusal> {
    let at = lines.number();
    let Some(head) = lines.peek() else { return Ok(None) };
    let (method, size) = match (head.strip_prefix(b"literal "), head.strip_prefix(b"delta ")) {
        (Some(size), _) => (Method::Literal, size),
        (_, Some(size)) => (Method::Delta, size),
        _ => return Ok(None),
    };
    let number = std::str::from_utf8(chomp(size)).ok().and_then(|size| size.parse::<u64>().ok());
    let size = number.ok_or_else(|| Class::Binary.refuse("its size cannot be read").at(at))?;
    let size = usize::try_from(size).ok().filter(|size| *size <= largest);
    let size = size.ok_or_else(|| too_large(largest).at(at))?;
    lines.skip(head);
    let mut bytes = Vec::new();
    loop {
        let at = lines.number();
        let broken = || Class::Binary.refuse("a line of its data is broken").at(at);
        let line = lines.next().ok_or_else(broken)?;
        if line == b"\n" {
            return Ok(Some(Packed { method, size, bytes }));
        }
        decode_line(chomp(line), &mut bytes).ok_or_else(broken)?;
    }
}

fn too_large(largest: usize) -> Refusal {
    Class::Size.refuse(format!("its content would have more than {largest} bytes"))
}

/// The first letter says how many bytes the line has, five of the others are four bytes each.
fn decode_line(line: &[u8], bytes: &mut Vec<u8>) -> Option<()> {
    let (&first, letters) = line.split_first()?;
    let count = match first {
        b'A'..=b'Z' => usize::from(first - b'A') + 1,
        b'a'..=b'z' => usize::from(first - b'a') + 27,
        _ => return None,
    };
    if !letters.len().is_multiple_of(5) || letters.len() / 5 != count.div_ceil(4) {
        return None;
    }
    let end = bytes.len() + count;
    for five in letters.chunks_exact(5) {
        let mut number = 0u32;
        for letter in five {
            number = number.checked_mul(85)?.checked_add(u32::from(value(*letter)?))?;
        }
        bytes.extend(number.to_be_bytes());
    }
    bytes.truncate(end);
    Some(())
}

/// What each letter stands for, and 85 for those that stand for nothing.
const VALUES: [u8; 256] = {
    let mut values = [85; 256];
    let mut at = 0;
    while at < crate::diff::ALPHABET.len() {
        values[crate::diff::ALPHABET[at] as usize] = at as u8;
        at += 1;
    }
    values
};

fn value(letter: u8) -> Option<u8> {
    Some(VALUES[usize::from(letter)]).filter(|value| *value < 85)
}

impl Packed {
    /// The content that it makes of `source`. It is taken from the `room` before it is made.
    pub(super) fn unpack(&self, source: &[u8], room: &mut usize) -> Result<Vec<u8>, Refusal> {
        spend(room, self.size)?;
        let data = self.inflate()?;
        match self.method {
            Method::Literal => Ok(data),
            Method::Delta => delta(source, &data, room),
        }
    }

    /// Never takes more memory than it said.
    fn inflate(&self) -> Result<Vec<u8>, Refusal> {
        let mut data = Vec::new();
        let mut unpacked = ZlibDecoder::new(&*self.bytes).take(self.size as u64 + 1);
        let broken = |_| Class::Binary.refuse("its data cannot be unpacked");
        unpacked.read_to_end(&mut data).map_err(broken)?;
        if data.len() != self.size {
            return Err(Class::Size.refuse("its data unpack to another size than it says"));
        }
        Ok(data)
    }
}

/// Carries out a delta: pieces that are copied from the source, and pieces that it holds itself.
fn delta(source: &[u8], mut delta: &[u8], room: &mut usize) -> Result<Vec<u8>, Refusal> {
    let broken = || Class::Binary.refuse("its delta is broken");
    let from = size(&mut delta).ok_or_else(broken)?;
    let to = size(&mut delta).ok_or_else(broken)?;
    if from != source.len() as u64 {
        return Err(Class::Binary.refuse("its delta is upon a content of another size"));
    }
    let to = usize::try_from(to).map_err(|_| broken())?;
    spend(room, to)?;
    let mut made = Vec::new();
    while let Some((&command, rest)) = delta.split_first() {
        delta = rest;
        let piece = if command & 0x80 != 0 {
            let (offset, length) = copied(command, &mut delta).ok_or_else(broken)?;
            source.get(offset..offset + length).ok_or_else(broken)?
        } else {
            let (piece, rest) = delta.split_at_checked(usize::from(command)).ok_or_else(broken)?;
            delta = rest;
            piece
        };
        if piece.is_empty() || made.len() + piece.len() > to {
            return Err(broken());
        }
        made.extend_from_slice(piece);
    }
    if made.len() == to { Ok(made) } else { Err(broken()) }
}

/// Seven bits a byte, the lowest first; the highest bit says that another byte follows.
fn size(delta: &mut &[u8]) -> Option<u64> {
    let mut size = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = delta.split_first()?;
        *delta = rest;
        size |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(size);
        }
    }
    None
}

/// Offset and length, of which bytes that are zero are left out as the bits of the command say.
fn copied(command: u8, delta: &mut &[u8]) -> Option<(usize, usize)> {
    let mut byte = |bit: u8| -> Option<usize> {
        if command & (1 << bit) == 0 {
            return Some(0);
        }
        let (&byte, rest) = delta.split_first()?;
        *delta = rest;
        Some(usize::from(byte))
    };
    let offset = byte(0)? | byte(1)? << 8 | byte(2)? << 16 | byte(3)? << 24;
    let length = byte(4)? | byte(5)? << 8 | byte(6)? << 16;
    Some((offset, if length == 0 { 0x10000 } else { length }))
}
