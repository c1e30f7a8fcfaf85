//! A profile that is read again while a session is held.
//!
//! What the new one forbids of commands is refused at once; all else of it holds from the next command on that is
//! started when nothing runs: only another sandbox can show, hold or permit something else.

use clearing_profiles::Profile;

use super::LiveSandbox;
use crate::error::Error;
use crate::permission::Wanted;

/// What reading a profile again came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reread {
    /// It says the same.
    Same,
    /// The next command that is started when nothing runs has it.
    Next,
}

impl LiveSandbox {
    /// Reads the session's profile again. One that cannot be read, or is wrong, changes nothing.
    pub(crate) fn read_profile_again(&mut self) -> Result<Reread, Error> {
        let of_session = self.session()?.record().profile.clone();
        let wanted = Wanted::of(&self.request, Some(&of_session));
        let profile = wanted.settle(&self.host, &self.workspace.project)?;
        self.next = (profile != self.profile).then(|| Box::new(profile));
        Ok(if self.next.is_some() { Reread::Next } else { Reread::Same })
    }

    /// Whether the next command is to find another sandbox, and none is in the way.
    pub(crate) fn is_due_for_renewal(&self) -> bool {
        self.next.is_some() && self.is_quiet()
    }

    /// The profile that will hold, if it is another one than holds.
    pub(super) fn next_profile(&self) -> Option<&Profile> {
        self.next.as_deref()
    }

    /// Gives the session a sandbox by the profile as it is now. Nothing must run; where that fails, the session is
    /// as it was on disk, and nobody holds it.
    pub(crate) fn renewed(self) -> Result<Self, Error> {
        let (request, commands) = (self.request.clone(), self.commands);
        self.end_telling(&mut |_, _| {})?;
        let mut live = Self::open_as(request)?;
        // No number is given twice.
        live.commands = commands;
        Ok(live)
    }
}
