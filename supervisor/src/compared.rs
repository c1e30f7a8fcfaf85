//! What is compared when somebody asks what a session changed.

mod wanted;
mod words;

use clearing_rootfs::{Record, SessionError};
use rustix::fs::FileType;

use crate::error::Error;
use crate::session::Point;

pub(crate) use wanted::Wanted;
pub(crate) use words::{kind_word, line_counts, mode_text, status_word};

/// The name of the present state, which no snapshot can have.
pub(crate) const PRESENT: &str = "@";

/// A point by its name: that of a snapshot, or [`PRESENT`].
pub(crate) fn point<'a>(record: &'a Record, name: &str) -> Result<Point<'a>, Error> {
    if name == PRESENT {
        return Ok(Point::Live);
    }
    let unknown = || SessionError::UnknownSnapshot { id: record.id.clone(), name: name.to_owned() };
    Ok(Point::Snapshot(record.snapshot(name).ok_or_else(unknown)?))
}

/// A directory that came in the project's place, or a link, is not what the session changed.
pub(crate) fn check_project(record: &Record) -> Result<(), Error> {
    let stat = rustix::fs::lstat(record.project());
    let is_it = |stat: &rustix::fs::Stat| {
        FileType::from_raw_mode(stat.st_mode).is_dir() && stat.st_ino == record.identity.inode
    };
    if stat.as_ref().is_ok_and(is_it) {
        return Ok(());
    }
    Err(SessionError::ProjectReplaced { path: record.project().clone() }.into())
}
