//! All sessions of a state directory.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use rustix::fs::{AtFlags, FlockOperation, Mode, flock, fstat, mkdirat, statat, unlinkat};
use rustix::io::Errno;

use super::error::SessionError;
use super::ids::{LayerId, SessionId, is_name};
use super::later::{self, Later};
use super::layers::{Layers, Named};
use super::lock::{Holder, Lock, Unlocked};
use super::record::{INITIAL, LayerRecord, Record, Snapshot, VERSION, Why};
use super::{RECORD, Recovered, Session};
use crate::atomic::replace;
use crate::boot::boot_id;
use crate::descent::{entries, step};
use crate::files::read_regular;
use crate::identity::Identity;
use crate::leave::Leave;
use crate::path_text::PathText;
use crate::project::Project;
use crate::remove::{RemoveError, remove_tree};
use crate::written::{Written, written};

/// A record that is longer was not written here.
const LONGEST: usize = 16 * 1024 * 1024;

/// All sessions of a state directory.
#[derive(Debug, Clone)]
pub struct Sessions {
    path: PathBuf,
    directory: Arc<OwnedFd>,
    pub(super) layers: Layers,
}

/// What a session is made of.
#[derive(Debug, Clone, Copy)]
pub struct NewSession<'a> {
    /// The name that the caller gives it.
    pub name: Option<&'a str>,
    /// What it is for.
    pub project: &'a Project,
    /// A profile's name or path.
    pub profile: &'a str,
}

/// All that a session's directory says of it.
struct Records {
    /// What counts.
    last: Record,
    /// What would count if that were lost.
    superseded: Option<Record>,
    /// What `session.json` is known by.
    sum: String,
    /// Whether something that would count was lost.
    is_torn: bool,
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

    /// Makes a session, with nothing in it and held by the caller.
    pub fn create(&self, new: NewSession<'_>) -> Result<Session, SessionError> {
        let snapshots =
            vec![Snapshot { name: INITIAL.into(), top: None, made: Timestamp::now(), why: Why::Initial }];
        self.begin(new.name, "create", |id, live| Record {
            version: VERSION,
            id,
            name: new.name.map(str::to_owned),
            made: Timestamp::now(),
            used: Timestamp::now(),
            project: PathText(new.project.root.clone()),
            identity: new.project.identity,
            boot: boot_id(),
            git: new.project.git.as_ref().map(|git| PathText(git.common.clone())),
            profile: new.profile.to_owned(),
            layers: [(live.clone(), LayerRecord { parent: None, unsynced: None })].into(),
            live,
            snapshots,
            execs: 0,
            running: None,
            hidden: Vec::new(),
            patching: None,
        })
    }

    /// Makes a session that goes on from a snapshot of another one, and shares its layers; from its present
    /// state where none is named.
    pub fn fork(
        &self,
        source: &mut Session,
        from: Option<&str>,
        name: Option<&str>,
    ) -> Result<Session, SessionError> {
        let top = match from {
            Some(from) => source.known_snapshot(from)?.top.clone(),
            None => {
                source.seal()?;
                source.record.sealed_top().cloned()
            }
        };
        let parent = source.record.clone();
        self.begin(name, "fork", |id, live| {
            let mut record = Record {
                id,
                name: name.map(str::to_owned),
                execs: 0,
                running: None,
                patching: None,
                ..parent
            };
            (record.made, record.used) = (Timestamp::now(), Timestamp::now());
            let below = record.chain(top.as_ref());
            record.snapshots.retain(|snapshot| snapshot.top.as_ref().is_none_or(|top| below.contains(top)));
            record.layers.insert(live.clone(), LayerRecord { parent: top, unsynced: None });
            record.live = live;
            record.prune();
            record
        })
    }

    /// Every session, in the order of their making.
    pub fn list(&self) -> Result<Vec<Listed>, SessionError> {
        let failed = |errno| SessionError::file("listing the sessions", &*self.path, errno);
        let names = entries(self.directory.as_fd()).map_err(failed)?;
        let ids = names.iter().filter_map(|entry| SessionId::parse(entry.name.to_str().ok()?));
        let mut listed: Vec<_> = ids
            .filter_map(|id| match self.record_of(&id) {
                // Being made, or being removed.
                Err(SessionError::Unknown { .. }) => None,
                record => Some(Listed { id, record }),
            })
            .collect();
        listed.sort_by_key(|listed| listed.record.as_ref().map_or(Timestamp::MIN, |record| record.made));
        Ok(listed)
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
        let mut session =
            Session { sessions: self.clone(), directory, record, written, live, lock, recovered: Vec::new() };
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
        // Without a record there is no session any more, whatever is still in the way.
        match unlinkat(&directory, RECORD, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => {
                return Err(SessionError::file("removing the record of", self.path_of(&id), errno));
            }
        }
        remove_tree(self.directory.as_fd(), &id.file_name())?;
        self.collect_layers()?.into_iter().next().map_or(Ok(id), |error| Err(error.into()))
    }

    /// Removes what sessions left that were killed while they were made or removed, and layers that no
    /// session has any more. Tells what could not be removed.
    pub fn collect(&self) -> Result<Vec<RemoveError>, SessionError> {
        let failed = |errno| SessionError::file("listing the sessions", &*self.path, errno);
        let mut stayed = Vec::new();
        for entry in entries(self.directory.as_fd()).map_err(failed)? {
            let Some(id) = entry.name.to_str().ok().and_then(SessionId::parse) else { continue };
            if !matches!(self.record_of(&id), Err(SessionError::Unknown { .. })) {
                continue;
            }
            if let Ok((_, _lock)) = self.lock(&id, "gc")
                && matches!(self.record_of(&id), Err(SessionError::Unknown { .. }))
            {
                stayed.extend(remove_tree(self.directory.as_fd(), &entry.name).err());
            }
        }
        stayed.extend(self.collect_layers()?);
        Ok(stayed)
    }

    /// What the layers below and including `top` have of a part, newest first.
    pub fn uppers(
        &self,
        record: &Record,
        top: Option<&LayerId>,
        part: &str,
    ) -> Result<Vec<PathBuf>, SessionError> {
        let mut uppers = Vec::new();
        for id in record.chain(top) {
            if self.layers.has(&id, part)? {
                uppers.push(self.layers.upper(&id, part));
            }
        }
        Ok(uppers)
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

    /// Takes away what no session names.
    pub(super) fn collect_layers(&self) -> Result<Vec<RemoveError>, SessionError> {
        self.layers.collect(|| {
            let mut named = Named::new();
            for listed in self.list()? {
                let Records { last, superseded, .. } = match self.records_of(&listed.id) {
                    Err(SessionError::Unknown { .. }) => continue,
                    // Of a damaged record nobody knows which layers are its own, so all stay.
                    records => records?,
                };
                // After a power cut the one that was superseded may count again.
                let all = [Some(last), superseded].into_iter().flatten();
                named.extend(all.flat_map(|record| record.layers.into_keys()).map(|id| id.to_string()));
            }
            Ok(named)
        })
    }

    fn begin(
        &self,
        name: Option<&str>,
        verb: &str,
        record: impl FnOnce(SessionId, LayerId) -> Record,
    ) -> Result<Session, SessionError> {
        let _alone = name.map(|name| self.reserve(name)).transpose()?;
        let id = SessionId::random().map_err(SessionError::random)?;
        let failed = |errno| SessionError::file("creating the session", self.path_of(&id), errno);
        mkdirat(&self.directory, id.file_name(), Mode::RWXU).map_err(failed)?;
        let (directory, lock) = self.lock(&id, verb)?;
        let making = self.layers.making()?;
        let layer = self.layers.make(&making)?;
        let live = self.layers.open(&layer)?;
        let record = record(id, layer);
        let written = self.write(&directory, &record)?;
        let (sessions, recovered) = (self.clone(), Vec::new());
        Ok(Session { sessions, directory, record, written, live, lock, recovered })
    }

    /// Holds all names until a session has this one.
    fn reserve(&self, name: &str) -> Result<OwnedFd, SessionError> {
        if !is_name(name) || name.starts_with(SessionId::PREFIX) {
            return Err(SessionError::BadName { name: name.to_owned() });
        }
        let alone = step(&self.directory, c".")
            .and_then(|held| flock(&held, FlockOperation::LockExclusive).map(|()| held));
        let alone = alone.map_err(|errno| SessionError::file("locking the names in", &*self.path, errno))?;
        match self.read(name) {
            Err(SessionError::Unknown { .. }) => Ok(alone),
            Err(error) => Err(error),
            Ok(_) => Err(SessionError::NameTaken { name: name.to_owned() }),
        }
    }

    /// Locks a session's directory, if that is still there when it is locked.
    fn lock(&self, id: &SessionId, verb: &str) -> Result<(OwnedFd, Lock), SessionError> {
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

    fn record_of(&self, id: &SessionId) -> Result<Record, SessionError> {
        Ok(self.records_of(id)?.last)
    }

    /// All that a session's directory says.
    fn records_of(&self, id: &SessionId) -> Result<Records, SessionError> {
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
        let later = later::read(&directory, LONGEST).map_err(failed)?;
        let text = read_regular(&directory, RECORD.to_string_lossy().as_ref(), LONGEST).map_err(failed)?;
        let (first, sum) = (parse(id, &text)?, later::sum(&text));
        let later = later::judge(later.as_deref(), &sum);
        let is_torn = later == Later::Torn;
        let (last, superseded) = match later {
            Later::Record(text) => (parse(id, &text)?, Some(first)),
            Later::None | Later::Torn => (first, None),
        };
        Ok(Records { last, superseded, sum, is_torn })
    }

    pub(super) fn path_of(&self, id: &SessionId) -> PathBuf {
        self.path.join(id.as_str())
    }
}

impl Session {
    /// Notes what happened while nobody held the session.
    fn recover(&mut self, is_torn: bool) -> Result<(), SessionError> {
        if is_torn || self.record.is_unsure(&boot_id()) {
            self.recovered.push(Recovered::Unsure);
        }
        if is_torn {
            // What it said is lost, and has been told.
            self.change(|_| ())?;
            later::remove(&self.directory).map_err(|errno| {
                SessionError::file("removing a torn record of", &*self.sessions.path, errno)
            })?;
        }
        if let Some(running) = self.record.running.clone() {
            self.take_down()?;
            self.remove_work();
            self.change(|record| record.running = None)?;
            // What a patch wrote is taken back as a whole.
            if !self.is_patching() {
                self.recovered.push(Recovered::ExecKilled(running));
            }
        }
        if self.is_patching() {
            self.undo_patch()?;
            self.recovered.push(Recovered::PatchUndone);
        }
        Ok(())
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
