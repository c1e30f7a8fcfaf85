//! Sessions that are made before anybody asks for one.
//!
//! ```text
//!   park ──▶ its directory is marked, then has the record ──▶ give: the record says for whom, the mark goes ──▶ and when
//! ```
//! The mark is the directory's sticky bit, of which nothing else here makes use, and which goes in one step and without
//! a file to be removed. As long as it is there nobody is shown the session: whoever is killed leaves a session that
//! was given, or a parked one, which is collected when nobody holds it.

use std::os::fd::OwnedFd;

use jiff::Timestamp;
use rustix::fs::{Mode, fchmod, fstat, stat};
use rustix::io::Errno;

use super::Session;
use super::error::SessionError;
use super::making::{For, NewSession};
use super::record::Record;
use super::sessions::Sessions;
use crate::hidden::HiddenPath;
use crate::identity::Identity;

/// Has the directory of a session that nobody was given.
const PARKED: Mode = Mode::SVTX;

impl Sessions {
    /// Makes a session that nobody is shown, and that is held by the caller.
    pub fn park(&self, new: NewSession<'_>) -> Result<Session, SessionError> {
        self.create_for(new, "serve", For::Later)
    }
}

impl Session {
    /// Writes down ahead of time that a command may run that does not see what is `hidden`: the first one need not
    /// wait until that is written, neither on disk, nor where others see it.
    pub fn foresee_exec(&mut self, hidden: &[HiddenPath]) -> Result<(), SessionError> {
        self.change(|record| {
            record.begin(hidden);
            record.running.iter_mut().for_each(|running| running.foreseen = true);
        })?;
        // Twice, so that the next one finds both of its files.
        self.change_swiftly(|_| ())?;
        self.change_swiftly(|_| ())?;
        self.record.running = None;
        (self.is_foreseen, self.is_foretold, self.is_owed) = (true, true, true);
        Ok(())
    }

    /// The same as [`Session::begin_exec`] where what is written foresees it: that it began now is written with the
    /// next change of the record, or by [`Session::write_owed`]. False, and nothing is changed, where it does not.
    ///
    /// Until then what is written has it begin earlier. If its supervisor is killed, what changed in the project in
    /// between counts as changed while it ran.
    pub fn begin_foreseen(&mut self, hidden: &[HiddenPath]) -> bool {
        let is_foretold = self.is_foretold && self.has_hidden(hidden);
        if is_foretold {
            (self.record, self.is_owed) = (self.changed(|record| record.begin(hidden)), true);
        }
        is_foretold
    }

    /// Gives a parked session to whoever asks for one, as if it were made now; what `verb` holds it from now on.
    /// If it cannot have the name it stays parked.
    ///
    /// A name is on disk at once, since others may ask for it. When it was made is written with the next change of
    /// the record, or by [`Session::write_owed`], and until then what is written may foresee a command.
    pub fn give(&mut self, name: Option<&str>, verb: &str) -> Result<(), SessionError> {
        let _alone = name.map(|name| self.sessions.reserve(name)).transpose()?;
        self.lock.go_on(verb);
        let now = Timestamp::now();
        let given = |record: &mut Record| {
            record.name = name.map(str::to_owned);
            record.made = now;
            record.snapshots.iter_mut().for_each(|snapshot| snapshot.made = now);
        };
        match name {
            Some(_) => self.change_swiftly(given)?,
            None => (self.record, self.is_owed) = (self.changed(given), true),
        }
        fchmod(&self.directory, Mode::RWXU)
            .map_err(|errno| SessionError::file("giving away", self.path(), errno))
    }

    /// Whether its directory is still where sessions are looked for: somebody may have removed or replaced it.
    pub fn is_there(&self) -> bool {
        let (named, held) = (stat(&*self.path()), fstat(&self.directory));
        matches!((named, held), (Ok(named), Ok(held)) if Identity::of(&named) == Identity::of(&held))
    }

    /// Writes down what has been left for later, if nothing else has been written since.
    pub fn write_owed(&mut self) -> Result<(), SessionError> {
        if self.is_owed { self.change_swiftly(|_| ()) } else { Ok(()) }
    }
}

/// Has nobody shown the session of an open directory.
pub(super) fn mark_parked(session: &OwnedFd) -> Result<(), Errno> {
    fchmod(session, Mode::RWXU | PARKED)?;
    // A file system may take a mode that it cannot keep.
    if is_parked(session)? { Ok(()) } else { Err(Errno::OPNOTSUPP) }
}

/// Whether nobody was given the session of an open directory.
pub(super) fn is_parked(session: &OwnedFd) -> Result<bool, Errno> {
    Ok(Mode::from_raw_mode(fstat(session)?.st_mode).contains(PARKED))
}
