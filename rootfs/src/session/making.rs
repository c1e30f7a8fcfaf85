//! How a session comes to be: made anew, ahead of time, or forked from another one.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use jiff::Timestamp;
use rustix::fs::{FlockOperation, Mode, flock, mkdirat};

use super::Session;
use super::error::SessionError;
use super::ids::{LayerId, SessionId, is_name};
use super::lock::Lock;
use super::parked::mark_parked;
use super::record::{INITIAL, LayerRecord, Record, Snapshot, VERSION, Why};
use super::sessions::Sessions;
use crate::boot::boot_id;
use crate::descent::step;
use crate::path_text::PathText;
use crate::project::Project;

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

/// Whom a session is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// Whoever asked for it, under a name or none.
    Caller,
    /// Whoever asks next: until then nobody is shown it.
    Later,
}

impl Sessions {
    /// Makes a session, with nothing in it and held by the caller.
    pub fn create(&self, new: NewSession<'_>) -> Result<Session, SessionError> {
        self.create_for(new, "create", For::Caller)
    }

    pub(super) fn create_for(
        &self,
        new: NewSession<'_>,
        verb: &str,
        whom: For,
    ) -> Result<Session, SessionError> {
        let snapshots =
            vec![Snapshot { name: INITIAL.into(), top: None, made: Timestamp::now(), why: Why::Initial }];
        self.begin(new.name, verb, whom, |id, live| Record {
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
            forgotten: BTreeMap::new(),
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
        self.begin(name, "fork", For::Caller, |id, live| {
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

    fn begin(
        &self,
        name: Option<&str>,
        verb: &str,
        whom: For,
        record: impl FnOnce(SessionId, LayerId) -> Record,
    ) -> Result<Session, SessionError> {
        let _alone = name.map(|name| self.reserve(name)).transpose()?;
        let (id, directory, lock) = self.make_directory(verb)?;
        if whom == For::Later {
            let failed = |errno| SessionError::file("creating the session", self.path_of(&id), errno);
            mark_parked(&directory).map_err(failed)?;
        }
        let making = self.layers.making()?;
        let layer = self.layers.make(&making)?;
        let live = self.layers.open(&layer)?;
        let record = record(id, layer);
        let written = self.write(&directory, &record)?;
        Ok(Session::held((directory, lock), self.clone(), record, written, live))
    }

    /// Makes a session's directory, and locks it. A collection that comes between the two takes it for what somebody
    /// left who was killed there: then another one is made.
    fn make_directory(&self, verb: &str) -> Result<(SessionId, OwnedFd, Lock), SessionError> {
        loop {
            let id = SessionId::random().map_err(SessionError::random)?;
            mkdirat(&self.directory, id.file_name(), Mode::RWXU)
                .map_err(|errno| SessionError::file("creating the session", self.path_of(&id), errno))?;
            match self.lock(&id, verb) {
                Err(SessionError::Unknown { .. }) => {}
                locked => return locked.map(|(directory, lock)| (id, directory, lock)),
            }
        }
    }

    /// Fails where a session cannot have this name, as far as that is known before it is made.
    pub fn free_name(&self, name: &str) -> Result<(), SessionError> {
        if !is_name(name) || name.starts_with(SessionId::PREFIX) {
            return Err(SessionError::BadName { name: name.to_owned() });
        }
        match self.read(name) {
            Err(SessionError::Unknown { .. }) => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Err(SessionError::NameTaken { name: name.to_owned() }),
        }
    }

    /// Holds all names until a session has this one.
    pub(super) fn reserve(&self, name: &str) -> Result<OwnedFd, SessionError> {
        let alone = step(&self.directory, c".")
            .and_then(|held| flock(&held, FlockOperation::LockExclusive).map(|()| held));
        let alone = alone.map_err(|errno| SessionError::file("locking the names in", &*self.path, errno))?;
        self.free_name(name).map(|()| alone)
    }
}
