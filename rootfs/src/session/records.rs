//! The records of sessions, read and written.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, unlinkat};
use rustix::io::Errno;

use super::RECORD;
use super::error::SessionError;
use super::ids::SessionId;
use super::later::{self, Later};
use super::parked::is_parked;
use super::record::Record;
use super::sessions::Sessions;
use crate::atomic::replace;
use crate::descent::step;
use crate::files::read_regular;

/// A record that is longer was not written here.
const LONGEST: usize = 16 * 1024 * 1024;

/// All that a session's directory says of it.
pub(super) struct Records {
    /// What counts.
    pub(super) last: Record,
    /// What would count if that were lost.
    pub(super) superseded: Option<Record>,
    /// What `session.json` is known by.
    pub(super) sum: String,
    /// Whether something that would count was lost.
    pub(super) is_torn: bool,
    /// Whether nobody was given the session yet.
    is_parked: bool,
}

impl Sessions {
    /// Replaces the record, and gives the sum that it is known by.
    pub(super) fn write(&self, directory: &OwnedFd, record: &Record) -> Result<String, SessionError> {
        let text = text_of(record)?;
        replace(directory, RECORD, &text)
            .map_err(|errno| SessionError::file("writing the record of", self.path_of(&record.id), errno))?;
        Ok(later::sum(&text))
    }

    /// Writes a record that comes after the one of this sum, without waiting for the disk.
    pub(super) fn write_later(
        &self,
        directory: &OwnedFd,
        follows: &str,
        record: &Record,
    ) -> Result<(), SessionError> {
        later::write(directory, follows, &text_of(record)?)
            .map_err(|errno| SessionError::file("writing the record of", self.path_of(&record.id), errno))
    }

    /// What a session that somebody was given is known by.
    pub(super) fn record_of(&self, id: &SessionId) -> Result<Record, SessionError> {
        match self.records_of(id)? {
            Records { is_parked: true, .. } => Err(SessionError::Unknown { name: id.to_string() }),
            Records { last, .. } => Ok(last),
        }
    }

    /// Without a record there is no session any more, whatever is still in the way.
    pub(super) fn remove_record(&self, directory: &OwnedFd, id: &SessionId) -> Result<(), SessionError> {
        match unlinkat(directory, RECORD, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(SessionError::file("removing the record of", self.path_of(id), errno)),
        }
    }

    /// All that a session's directory says.
    pub(super) fn records_of(&self, id: &SessionId) -> Result<Records, SessionError> {
        let mut records = self.read_records(id)?;
        for _ in 1..later::ATTEMPTS {
            if records.is_torn {
                records = self.read_records(id)?;
            }
        }
        Ok(records)
    }

    fn read_records(&self, id: &SessionId) -> Result<Records, SessionError> {
        let failed = |errno| match errno {
            Errno::NOENT => SessionError::Unknown { name: id.to_string() },
            errno => SessionError::file("reading the record of", self.path_of(id), errno),
        };
        let directory = step(&self.directory, &id.file_name()).map_err(failed)?;
        // Before the record is read, which was written before it was given.
        let is_parked = is_parked(&directory).map_err(failed)?;
        let later = later::read(&directory, LONGEST).map_err(failed)?;
        let text = read_regular(&directory, RECORD.to_string_lossy().as_ref(), LONGEST).map_err(failed)?;
        let (first, sum) = (parse(id, &text)?, later::sum(&text));
        let later = later::judge(later.as_deref(), &sum);
        let is_torn = later == Later::Torn;
        let (last, superseded) = match later {
            Later::Record(text) => (parse(id, &text)?, Some(first)),
            Later::None | Later::Torn => (first, None),
        };
        Ok(Records { last, superseded, sum, is_torn, is_parked })
    }
}

fn text_of(record: &Record) -> Result<Vec<u8>, SessionError> {
    let mut text = serde_json::to_vec_pretty(record)
        .map_err(|error| SessionError::Damaged { id: record.id.to_string(), fault: error.to_string() })?;
    text.push(b'\n');
    Ok(text)
}

fn parse(id: &SessionId, text: &[u8]) -> Result<Record, SessionError> {
    let damaged = |fault| SessionError::Damaged { id: id.to_string(), fault };
    let record: Record = serde_json::from_slice(text).map_err(|error| damaged(error.to_string()))?;
    if &record.id != id {
        return Err(damaged(format!("it is that of {}", record.id)));
    }
    record.fault().map_or(Ok(record), |fault| Err(damaged(fault)))
}
