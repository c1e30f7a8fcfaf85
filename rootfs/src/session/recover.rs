//! What is put right when a session is taken that a killed verb left.

use super::error::SessionError;
use super::{Recovered, Session, later};
use crate::boot::boot_id;

impl Session {
    /// Notes what happened while nobody held the session.
    pub(super) fn recover(&mut self, is_torn: bool) -> Result<(), SessionError> {
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
