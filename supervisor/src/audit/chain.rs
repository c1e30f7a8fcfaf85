//! The lines of the record, one after the other through all of its files.

use std::io::{BufRead as _, BufReader, Read as _, Take};
use std::path::PathBuf;

use super::error::AuditError;
use super::file::File;
use super::log::{Log, Newest};

/// A line as it stands in its file.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) file: PathBuf,
    /// Its place there, from 1.
    pub(crate) line: u64,
    /// Its end is missing where it is torn.
    pub(crate) bytes: Vec<u8>,
}

/// Reads the record as it is now, oldest line first.
#[derive(Debug)]
pub(crate) struct Lines {
    older: std::vec::IntoIter<PathBuf>,
    newest: Option<Newest>,
    current: Option<(PathBuf, u64, BufReader<Take<File>>)>,
}

impl Lines {
    pub(super) fn of(log: &Log) -> Result<Self, AuditError> {
        let (older, newest) = log.files()?;
        Ok(Self { older: older.into_iter(), newest, current: None })
    }

    fn read(&mut self) -> Result<Option<Recorded>, AuditError> {
        loop {
            let Some((file, line, reader)) = &mut self.current else {
                let Some((path, file)) = self.next_file()? else { return Ok(None) };
                self.current = Some((path, 0, BufReader::new(file)));
                continue;
            };
            let mut bytes = Vec::new();
            let read = reader.read_until(b'\n', &mut bytes);
            if read.map_err(|error| AuditError::at("reading", &*file, error))? > 0 {
                *line += 1;
                return Ok(Some(Recorded { file: file.clone(), line: *line, bytes }));
            }
            self.current = None;
        }
    }

    fn next_file(&mut self) -> Result<Option<Newest>, AuditError> {
        match self.older.next() {
            Some(path) => Ok(Some((path.clone(), File::read_only(&path)?.take(u64::MAX)))),
            None => Ok(self.newest.take()),
        }
    }
}

impl Iterator for Lines {
    type Item = Result<Recorded, AuditError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
