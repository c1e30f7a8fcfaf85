//! A session whose profile is read again.

use super::{Conductor, Leaving};
use crate::error::Error;
use crate::live::{LiveSandbox, Reread};
use crate::server::aside;

impl Conductor {
    /// Reads the session's profile again; a wrong one is told, and the old one stays.
    pub(in crate::server) fn reload(&mut self) {
        let id = &self.handle.id;
        let told = match self.live.as_mut().map(LiveSandbox::read_profile_again) {
            None | Some(Ok(Reread::Same)) => return,
            Some(Ok(Reread::Next)) => {
                "its profile has changed, for commands that are started when nothing runs".into()
            }
            Some(Err(error)) => format!("its profile stays as it was: {}", error.message()),
        };
        crate::server::log(&format!("session {id}: {told}"));
    }

    /// Has the session go on in another sandbox, where its profile has changed and nothing runs.
    pub(super) fn renew(&mut self) -> Result<(), Error> {
        if self.execs.running() > 0 {
            return Ok(());
        }
        let Some(live) = self.live.as_mut().filter(|live| live.is_due_for_renewal()) else { return Ok(()) };
        // It may have changed once more since it was read.
        if live.read_profile_again().is_err() || !live.is_due_for_renewal() {
            return Ok(());
        }
        let Some(live) = self.live.take() else { return Ok(()) };
        match aside(|| live.renewed()) {
            Ok(live) => {
                self.live = Some(live);
                Ok(())
            }
            Err(error) => {
                self.leaving = Leaving::Now;
                Err(error)
            }
        }
    }
}
