//! Whether the record is as it was written.

use std::fmt;
use std::path::PathBuf;

use super::chain::Recorded;
use super::error::AuditError;
use super::tail::{Link, NOTHING, hash_of_line};
use crate::text::printable;

/// What the record came to.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) lines: u64,
    /// The last line's hash: who notes it elsewhere can tell later whether the record still holds it.
    pub(crate) head: String,
    /// Lines whose writer was stopped; the record says so itself.
    pub(crate) torn: Vec<Place>,
    /// The first bad line.
    pub(crate) fault: Option<Fault>,
}

/// Where a line stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    file: PathBuf,
    line: u64,
}

/// The first line that is not as it was written, and what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) place: Place,
    pub(crate) what: String,
}

/// What was read so far, as the next line must tell it.
struct Reader {
    number: u64,
    hash: String,
    /// Where the last line stands, if there was one.
    place: Option<Place>,
    /// Those at the end that are no lines of a record, which is right only if they were torn.
    broken: Vec<Place>,
    /// Whether the last one has no end.
    open: bool,
    torn: Vec<Place>,
}

/// Judges lines up to the first bad one. With `expect` one of them must have that hash.
pub(crate) fn verify(
    lines: impl Iterator<Item = Result<Recorded, AuditError>>,
    expect: Option<&str>,
) -> Result<Verified, AuditError> {
    let mut read = Reader::nothing();
    let (mut count, mut found, mut fault) = (0, expect.is_none(), None);
    for line in lines {
        if let Err(bad) = read.take(&line?) {
            fault = Some(bad);
            break;
        }
        count += 1;
        found |= expect.is_some_and(|expect| expect.eq_ignore_ascii_case(&read.hash));
    }
    let fault = fault.or_else(|| read.fault_at_end()).or_else(|| {
        let place = read.place.clone().unwrap_or_default();
        (!found).then(|| {
            place.fault("no line up to here has the expected hash: lines were cut off, or written anew")
        })
    });
    Ok(Verified { lines: count, head: read.hash, torn: read.torn, fault })
}

impl Reader {
    fn nothing() -> Self {
        let (place, broken, torn) = (None, Vec::new(), Vec::new());
        Self { number: 0, hash: NOTHING.to_owned(), place, broken, open: false, torn }
    }

    fn take(&mut self, recorded: &Recorded) -> Result<(), Fault> {
        let place = Place { file: recorded.file.clone(), line: recorded.line };
        self.open = !recorded.bytes.ends_with(b"\n");
        match Link::of(&recorded.bytes).filter(|_| !self.open) {
            Some(link) => self.follow(&link, &place)?,
            None => {
                self.number += 1;
                self.broken.push(place.clone());
            }
        }
        self.hash = hash_of_line(&recorded.bytes);
        self.place = Some(place);
        Ok(())
    }

    /// Judges a line by those before it.
    fn follow(&mut self, link: &Link, place: &Place) -> Result<(), Fault> {
        if self.broken.len() as u64 > link.torn {
            return Err(self.broken[0].fault(BROKEN));
        }
        let Some(last) = &self.place else {
            let begins = link.seq == 1 && link.previous == NOTHING;
            self.number = 1;
            return if begins { Ok(()) } else { Err(place.fault("the lines before it are missing")) };
        };
        let numbers = format!("it is number {} and stands after number {}", link.seq, self.number);
        if link.seq > self.number + 1 {
            return Err(place.fault(&format!("{numbers}: lines were removed")));
        } else if link.seq <= self.number {
            return Err(place.fault(&format!("{numbers}: it was put in or moved")));
        } else if link.previous != self.hash {
            return Err(last.fault("it was changed: the line after it gives another hash"));
        }
        self.number = link.seq;
        self.torn.append(&mut self.broken);
        Ok(())
    }

    /// Only that its end is missing shows of the last line that it is not whole.
    fn fault_at_end(&mut self) -> Option<Fault> {
        if !self.open {
            return self.broken.first().map(|place| place.fault(BROKEN));
        }
        self.torn.append(&mut self.broken);
        None
    }
}

const BROKEN: &str = "it is no line of a record";

impl Place {
    fn fault(&self, what: &str) -> Fault {
        Fault { place: self.clone(), what: what.to_owned() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", printable(&self.file), self.line)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}
