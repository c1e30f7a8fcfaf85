//! All sessions of a state directory.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use rustix::fs::{AtFlags, fstat, statat};
use rustix::io::Errno;

use super::Session;
use super::error::SessionError;
use super::ids::{LayerId, SessionId};
use super::layers::Layers;
use super::lock::{Holder, Lock, Unlocked};
use super::record::Record;
use super::records::Records;
use crate::descent::{entries, step};
use crate::identity::Identity;
use crate::leave::Leave;
use crate::remove::remove_tree;
use crate::written::{Written, written};

/// All sessions of a state directory.
#[derive(Debug, Clone)]
pub struct Sessions {
    pub(super) path: PathBuf,
    pub(super) directory: Arc<OwnedFd>,
    pub(super) layers: Layers,
}

/// A session in a list.
#[derive(Debug)]
pub struct Listed {
    /// Its id.
    pub id: SessionId,
    /// What is known of it.
    pub record: Result<Record, SessionError>,
}

impl Sessions {
    pub(crate) fn new(state: PathBuf, directory: OwnedFd, layers: OwnedFd, leave: Leave) -> Self {
        let layers = Layers::new(state.join("layers"), layers, leave);
        Self { path: state.join("sessions"), directory: Arc::new(directory), layers }
    }

    /// Every session, in the order of their making.
    pub fn list(&self) -> Result<Vec<Listed>, SessionError> {
        let mut listed: Vec<_> = self
            .ids()?
            .into_iter()
            .filter_map(|id| match self.record_of(&id) {
                // Being made, or parked, or being removed.
                Err(SessionError::Unknown { .. }) => None,
                record => Some(Listed { id, record }),
            })
            .collect();
        listed.sort_by_key(|listed| listed.record.as_ref().map_or(Timestamp::MIN, |record| record.made));
        Ok(listed)
    }

    /// Whatever may be a session, also what is being made, parked or removed.
    pub(super) fn ids(&self) -> Result<Vec<SessionId>, SessionError> {
        let failed = |errno| SessionError::file("listing the sessions", &*self.path, errno);
        let names = entries(self.directory.as_fd()).map_err(failed)?;
        Ok(names.iter().filter_map(|entry| SessionId::parse(entry.name.to_str().ok()?)).collect())
    }

    /// Reads what is known of a session, by id or name, while others may change it.
    pub fn read(&self, name: &str) -> Result<Record, SessionError> {
        let unknown = || SessionError::Unknown { name: name.to_owned() };
        if let Some(id) = SessionId::parse(name) {
            match self.record_of(&id) {
                Err(SessionError::Unknown { .. }) => {}
                record => return record,
            }
        }
        let named = |listed: Listed| listed.record.ok().filter(|record| record.name.as_deref() == Some(name));
        self.list()?.into_iter().find_map(named).ok_or_else(unknown)
    }

    /// Who holds a session now, if anybody does.
    pub fn holder(&self, id: &SessionId) -> Option<Holder> {
        Lock::held(&step(&self.directory, &id.file_name()).ok()?)
    }

    /// Takes a session for a verb that changes it, and puts right what a killed one left.
    pub fn open(&self, name: &str, verb: &str) -> Result<Session, SessionError> {
        let id = self.read(name)?.id;
        let (directory, lock) = self.lock(&id, verb)?;
        // It may have changed until the lock was there.
        let Records { last: record, sum: written, is_torn, .. } = self.records_of(&id)?;
        let live = self.layers.open(&record.live)?;
        let mut session = Session::held((directory, lock), self.clone(), record, written, live);
        session.recover(is_torn)?;
        Ok(session)
    }

    /// Removes a session, also one whose record is damaged; layers that another one shares stay.
    pub fn remove(&self, name: &str) -> Result<SessionId, SessionError> {
        let id = match SessionId::parse(name) {
            Some(id) => id,
            None => self.read(name)?.id,
        };
        let (directory, _lock) = self.lock(&id, "rm")?;
        self.remove_record(&directory, &id)?;
        remove_tree(self.directory.as_fd(), &id.file_name())?;
        self.collect_layers()?.into_iter().next().map_or(Ok(id), |error| Err(error.into()))
    }

    /// What the layers below and including `top` have of a part, newest first.
    pub fn uppers(
        &self,
        record: &Record,
        top: Option<&LayerId>,
        part: &str,
    ) -> Result<Vec<PathBuf>, SessionError> {
        let uppers = record.chain(top).into_iter().map(|id| self.upper(&id, part));
        uppers.filter_map(Result::transpose).collect()
    }

    /// The same of one layer; none if nothing was written there.
    pub fn upper(&self, id: &LayerId, part: &str) -> Result<Option<PathBuf>, SessionError> {
        Ok(self.layers.has(id, part)?.then(|| self.layers.upper(id, part)))
    }

    /// What all layers of a session take, also those that it shares.
    pub fn written(&self, record: &Record) -> Result<Written, SessionError> {
        let mut sum = Written::default();
        for id in record.layers.keys() {
            let Written { bytes, inodes, unread } = written(self.layers.open(id)?.as_fd());
            sum = Written {
                bytes: sum.bytes + bytes,
                inodes: sum.inodes + inodes,
                unread: sum.unread + unread,
            };
        }
        Ok(sum)
    }

    /// Locks a session's directory, if that is still there when it is locked.
    pub(super) fn lock(&self, id: &SessionId, verb: &str) -> Result<(OwnedFd, Lock), SessionError> {
        let failed = |errno| match errno {
            Errno::NOENT => SessionError::Unknown { name: id.to_string() },
            errno => SessionError::file("locking the session", self.path_of(id), errno),
        };
        let directory = step(&self.directory, &id.file_name()).map_err(failed)?;
        let lock = Lock::take(&directory, verb).map_err(|unlocked| match unlocked {
            Unlocked::Held(holder) => SessionError::Busy { id: id.clone(), holder },
            Unlocked::System(errno) => failed(errno),
        })?;
        let named = statat(&self.directory, id.file_name(), AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
        if Identity::of(&named) == Identity::of(&fstat(&directory).map_err(failed)?) {
            Ok((directory, lock))
        } else {
            Err(SessionError::Unknown { name: id.to_string() })
        }
    }

    pub(super) fn path_of(&self, id: &SessionId) -> PathBuf {
        self.path.join(id.as_str())
    }
}
