//! `--result FILE`.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use serde::Serialize;

use crate::error::Error;
use crate::text::json;

/// Where the outcome is to be written, opened before anything runs: a name that cannot be written
/// costs nothing.
pub(super) struct ResultFile<'a> {
    path: &'a Path,
    file: File,
}

impl<'a> ResultFile<'a> {
    pub(super) fn create(path: &'a Path) -> Result<Self, Error> {
        // In a hostile project the name may be a link to a file of the caller's, or a pipe that nobody
        // reads. What lies in /dev is the caller's own stream, and always behind a link.
        let own_stream = path.starts_with("/dev");
        let link = if own_stream { OFlags::empty() } else { OFlags::NOFOLLOW };
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o666);
        let file = rustix::fs::open(path, flags | link, mode)
            .map_err(|errno| Error::Result(path.to_owned(), errno.into()))?;
        Ok(Self { path, file: file.into() })
    }

    pub(super) fn write(mut self, result: &impl Serialize) -> Result<(), Error> {
        let written = json(result).map_err(io::Error::from).and_then(|mut line| {
            line.push('\n');
            self.file.write_all(line.as_bytes())
        });
        written.map_err(|error| Error::Result(self.path.to_owned(), error))
    }
}
