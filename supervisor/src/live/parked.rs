//! A session with its sandbox that is made before anybody asks for one: whoever asks gets what a new one would be.

use std::path::PathBuf;

use clearing_rootfs::{NewSession, PathText, Session};
use nix::poll::{PollTimeout, poll};
use serde_json::json;

use super::LiveSandbox;
use super::surroundings::Surroundings;
use crate::audit::{Audit, Decision};
use crate::error::Error;
use crate::request::RunRequest;
use crate::session::{lasting, sessions};

/// What sessions are parked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parking {
    /// The project, as it was asked for.
    pub(crate) directory: PathBuf,
    /// The profile's name or path, as it was asked for.
    pub(crate) profile: String,
}

/// A session that nobody was given yet, and its sandbox.
pub(crate) struct Parked {
    live: LiveSandbox,
    parking: Parking,
    made_of: Box<Surroundings>,
    /// By which its record has it.
    profile: String,
}

/// What of it nobody needs any more. To drop it takes a while, which nobody has to wait for.
pub(crate) struct Remains(#[expect(dead_code, reason = "it is dropped, no more")] Box<Surroundings>);

/// Why nobody was given what was parked.
pub(crate) enum NotGiven {
    /// A new one would be another one.
    Stale(Box<Parked>),
    /// It could not be, and is to be ended.
    Failed(Box<Parked>, Error),
}

impl Parked {
    /// Makes one. Its lines of the record are written when it is given.
    pub(crate) fn make(parking: Parking, audit: &Audit) -> Result<Self, Error> {
        let made_of = Box::new(Surroundings::look(&parking.directory, &parking.profile)?);
        if made_of.profile.commands.enforce {
            return Err(Error::NoOverlay("`enforce` in [commands] looks for programs each time".into()));
        }
        let profile = lasting(&parking.profile, &made_of.host)?;
        let new = NewSession { name: None, project: &made_of.project, profile: &profile };
        let session = sessions()?.park(new)?;
        let id = session.record().id.to_string();
        let begun = Self::begin(session, &made_of, audit);
        let live = begun.inspect_err(|_| remove(&id))?;
        Ok(Self { live, parking, made_of, profile })
    }

    fn begin(session: Session, made_of: &Surroundings, audit: &Audit) -> Result<LiveSandbox, Error> {
        let request = RunRequest { session: Some(session.record().id.to_string()), ..RunRequest::default() };
        let mut live = LiveSandbox::open_in(request, session, audit.clone())?;
        live.session_mut()?.foresee_exec(&made_of.hidden.paths)?;
        live.make_spares();
        live.expect_command()?;
        Ok(live)
    }

    /// Takes note that nothing was written to its layer, which is old enough by now for that to be seen later on: the
    /// end of the first command need neither compare it nor add it up.
    pub(crate) fn look_ahead(&mut self) {
        // What cannot be told now is told then.
        let _ = self.live.changes(&self.made_of.profile.limits);
        let _ = self.live.session().map(Session::written);
    }

    /// Gives it to whoever asks for a session now, with what is to be dropped once that is answered.
    pub(crate) fn give(mut self, name: Option<&str>) -> Result<(LiveSandbox, Remains), NotGiven> {
        let directory = &self.parking.directory;
        // What cannot be found out now is told better by whoever makes a new one.
        let is_there = self.live.session().is_ok_and(Session::is_there);
        if !is_there || !self.is_still() || !self.made_of.are_still(directory).unwrap_or(false) {
            return Err(NotGiven::Stale(Box::new(self)));
        }
        let project = &self.made_of.project;
        let decision = Decision {
            project: Some(PathText(project.root.clone())),
            detail: json!({ "name": name, "profile": self.profile }),
            ..Decision::asked("create")
        };
        let audit = self.live.audit.clone();
        let given = audit.record(&decision, || Ok(self.live.session_mut()?.give(name, "exec")?));
        match given {
            Ok(()) => {
                // What is owed to the record is written when there is time.
                self.live.become_quiet();
                Ok((self.live, Remains(self.made_of)))
            }
            Err(error) => Err(NotGiven::Failed(Box::new(self), error)),
        }
    }

    /// Whether nothing has happened in it.
    fn is_still(&self) -> bool {
        let mut polled = self.live.polled();
        !polled.is_empty() && poll(&mut polled, PollTimeout::ZERO) == Ok(0)
    }

    /// Ends it; nobody has heard of it.
    pub(crate) fn end(self) {
        let id = self.live.record().map(|record| record.id.to_string());
        // What cannot be removed is collected.
        let _ = self.live.end();
        id.iter().for_each(|id| remove(id));
    }
}

/// What stays is collected.
fn remove(id: &str) {
    let _ = sessions().map(|sessions| sessions.remove(id));
}
