//! A session: many commands over one project, each upon what the ones before it wrote.
//!
//! What a command writes goes to the live layer. A snapshot seals it, by naming it in the record and going on
//! with a new one; the record is replaced by rename, so a session is always as some verb left it.

mod collect;
mod error;
mod history;
mod ids;
mod later;
mod layers;
mod lock;
mod making;
mod merge;
mod naming;
mod onward;
mod parked;
mod patching;
mod record;
mod records;
mod recover;
mod retention;
mod sessions;

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use jiff::Timestamp;

pub use error::SessionError;
pub use history::{RolledBack, Step};
pub use ids::{LayerId, SessionId};
pub use lock::{Holder, listens_at};
pub use making::NewSession;
pub use onward::{Parts, Ready};
pub use record::{Record, Running, Snapshot, Why};
pub use retention::{Apart, Merging, Retained, Retention, time_since};
pub use sessions::{Listed, Sessions};

use self::lock::Lock;
use crate::bare_tree::Memory;
use crate::hidden::HiddenPath;
use crate::identity::Identity;
use crate::layer_directory::{LayerDirectories, LayerTop, Place, layer_of_work};
use crate::project::Project;
use crate::seen::{Kept, Seen};
use crate::written::{Survey, Written};

/// The part of a layer that holds what was changed of the project.
pub const PROJECT: &str = "project";
/// A session's record in its directory.
const RECORD: &std::ffi::CStr = c"session.json";

/// A session that nobody else can change as long as this lives.
#[derive(Debug)]
pub struct Session {
    sessions: Sessions,
    directory: OwnedFd,
    record: Record,
    /// The sum of `session.json`, which the record is or comes after.
    written: String,
    /// The live layer.
    live: OwnedFd,
    /// What is known of it from the last time that it was added up.
    surveyed: Memory,
    lock: Lock,
    /// Whether `session.json` says that a command may run, which a later record makes exact.
    is_foreseen: bool,
    /// Whether the later record says so, too.
    is_foretold: bool,
    /// Whether something of the record has yet to be written down.
    is_owed: bool,
    /// What happened to it while nobody held it.
    pub recovered: Vec<Recovered>,
}

/// What a session went through without a verb's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// A command was killed with its supervisor. What it wrote until then is in the live layer.
    ExecKilled(Running),
    /// The machine was started anew since the session was last written to and not synced.
    Unsure,
    /// A patch was killed with its supervisor, and what it had written is taken back.
    PatchUndone,
}

impl Session {
    fn held(
        (directory, lock): (OwnedFd, Lock),
        sessions: Sessions,
        record: Record,
        written: String,
        live: OwnedFd,
    ) -> Self {
        let (surveyed, recovered) = (Memory::default(), Vec::new());
        let (is_foreseen, is_foretold, is_owed) = (false, false, false);
        Self {
            sessions,
            directory,
            record,
            written,
            live,
            surveyed,
            lock,
            is_foreseen,
            is_foretold,
            is_owed,
            recovered,
        }
    }

    /// What is known of it.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// What the project is known by.
    pub fn project_identity(&self) -> Identity {
        self.record.identity.since(&self.record.boot, self.record.project())
    }

    /// Fails unless `project` is what the session was made for.
    pub fn check_project(&self, project: &Project) -> Result<(), SessionError> {
        let record = &self.record;
        if record.project.0 != project.root || self.project_identity() != project.identity {
            return Err(SessionError::ProjectReplaced { path: record.project.0.clone() });
        }
        let git = project.git.as_ref().map(|git| &git.common);
        if record.git.as_ref().map(|path| &path.0) == git {
            Ok(())
        } else {
            Err(SessionError::GitReplaced { path: git.cloned() })
        }
    }

    /// What the sealed layers have of a part, newest first.
    pub fn sealed(&self, part: &str) -> Result<Vec<PathBuf>, SessionError> {
        self.sessions.uppers(&self.record, self.record.sealed_top(), part)
    }

    /// Whether no command has written to the part yet.
    pub fn is_untouched(&self, part: &str) -> Result<bool, SessionError> {
        let live = self.sessions.layers.written_parts(&self.record.live)?;
        Ok(!live.iter().any(|written| written == part) && self.sealed(part)?.is_empty())
    }

    /// What takes a part's changes next: the live layer's upper as it is, with a work directory of its own.
    pub fn writable(&self, part: &str, top: Option<LayerTop>) -> Result<LayerDirectories, SessionError> {
        let path = self.live_path();
        let place = Place { directory: self.live.as_fd(), path: &path };
        place
            .renew_layer(part, top)
            .map_err(|errno| SessionError::file("making the layer", path.join(part), errno))
    }

    /// The live layer's directory.
    pub fn live_path(&self) -> PathBuf {
        self.sessions.layers.path(&self.record.live)
    }

    /// How much has been written to the live layer so far.
    pub fn written(&self) -> Written {
        self.survey().finish()
    }

    /// The same in pieces.
    pub fn survey(&self) -> Survey {
        Survey::again(self.live.as_fd(), &self.surveyed)
    }

    /// What [`Session::written`] needs, for a process that closes all others.
    pub fn live_descriptor(&self) -> BorrowedFd<'_> {
        self.live.as_fd()
    }

    /// The descriptors that must stay open, in every process that works on the session, for as long as it
    /// is to count as held.
    pub fn descriptors(&self) -> [BorrowedFd<'_>; 1] {
        [self.lock.descriptor()]
    }

    /// Says to all who want it that `verb` is about to give it up, so that they wait for that and are not refused.
    pub fn leave(&self, verb: &str) {
        self.lock.leave(verb);
    }

    /// What the session has seen of the project.
    pub fn seen(&self) -> Result<Seen, SessionError> {
        let chain = self.record.chain(Some(&self.record.live));
        let directories: Vec<_> = chain.iter().map(|id| self.sessions.layers.path(id)).collect();
        Ok(Seen::load(&directories)?)
    }

    /// What takes the project's changes, newest first.
    pub fn project_layers(&self) -> Result<Vec<PathBuf>, SessionError> {
        self.sessions.uppers(&self.record, Some(&self.record.live), PROJECT)
    }

    /// A command begins, which does not see what is `hidden`.
    pub fn begin_exec(&mut self, hidden: &[HiddenPath]) -> Result<(), SessionError> {
        let begin = |record: &mut Record| record.begin(hidden);
        // What a power cut brings back says so, and that nothing else was hidden.
        let is_foreseen = self.is_foreseen && self.has_hidden(hidden);
        if is_foreseen { self.change_swiftly(begin) } else { self.change(begin) }
    }

    fn has_hidden(&self, hidden: &[HiddenPath]) -> bool {
        hidden.iter().all(|path| self.record.hidden.contains(path))
    }

    /// The command has ended, and everything that it started. What it saw of the project is taken down.
    pub fn end_exec(&mut self) -> Result<(), SessionError> {
        self.take_down()?;
        self.change(|record| {
            record.running = None;
            record.execs += 1;
        })
    }

    /// Removes what overlays kept for themselves beside the live layer. Nothing may be mounted on it any more.
    ///
    /// They are of mode 000, and would keep a plain `rm -r` of their owner's from the state directory. What stays
    /// is removed by whoever mounts the layer next.
    pub fn remove_work(&self) {
        let path = self.live_path();
        let place = Place { directory: self.live.as_fd(), path: &path };
        for entry in crate::descent::entries(self.live.as_fd()).unwrap_or_default() {
            if let Some(part) = layer_of_work(entry.name.to_bytes()) {
                let _ = place.remove_work(&part.to_string_lossy());
            }
        }
    }

    /// Takes down what the running command, or one that was killed, saw of the project.
    fn take_down(&self) -> Result<(), SessionError> {
        let Some(running) = &self.record.running else { return Ok(()) };
        self.sessions.layers.open_tops(&self.record.live)?;
        let upper = self.sessions.layers.upper(&self.record.live, PROJECT);
        if !self.sessions.layers.has(&self.record.live, PROJECT)? {
            return Ok(());
        }
        let started = (running.started.as_second(), i64::from(running.started.subsec_nanosecond()));
        let mut seen = self.seen()?;
        seen.note(&upper, self.record.project(), started, Some(&Kept::make(&self.live_path())?))?;
        Ok(seen.save()?)
    }

    /// Writes all of the session to its disk, so that a power cut loses nothing of it.
    pub fn sync(&mut self) -> Result<(), SessionError> {
        let path = self.live_path();
        rustix::fs::syncfs(&self.live)
            .map_err(|errno| SessionError::file("syncing the disk of", path, errno))?;
        self.change(|record| record.layers.values_mut().for_each(|layer| layer.unsynced = None))?;
        let path = self.live_path();
        rustix::fs::syncfs(&self.live).map_err(|errno| SessionError::file("syncing the disk of", path, errno))
    }

    /// Replaces the record by a changed one; on failure all is as before.
    fn change(&mut self, change: impl FnOnce(&mut Record)) -> Result<(), SessionError> {
        let record = self.changed(change);
        self.written = self.sessions.write(&self.directory, &record)?;
        self.record = record;
        (self.is_foreseen, self.is_foretold, self.is_owed) = (false, false, false);
        Ok(())
    }

    /// The same without waiting for the disk: whoever is killed, the change is made or not, but a power cut
    /// may take it back.
    fn change_swiftly(&mut self, change: impl FnOnce(&mut Record)) -> Result<(), SessionError> {
        let record = self.changed(change);
        self.sessions.write_later(&self.directory, &self.written, &record)?;
        (self.record, self.is_foretold, self.is_owed) = (record, false, false);
        Ok(())
    }

    fn changed(&self, change: impl FnOnce(&mut Record)) -> Record {
        let mut record = self.record.clone();
        change(&mut record);
        record.used = Timestamp::now();
        record
    }
}

#[cfg(test)]
mod tests;
