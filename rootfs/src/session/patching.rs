//! A patch in a session: what it writes is kept as a whole, or is as if it had never been.
//!
//! ```text
//!   begin ──▶ sealed, a new live layer, recorded ──▶ the patch is written ──▶ keep: named and sealed
//!                            └── undo, or whoever opens the session next ──▶ another new live layer
//! ```
//! The way back is the layer below the live one, which no snapshot has to name: nothing that is forgotten or
//! merged takes it away.

use super::Session;
use super::error::SessionError;
use super::record::{Snapshot, Why};

impl Session {
    /// Begins: what was written until now is sealed, and what is written from now on counts only once it is
    /// kept. Names the state before.
    pub fn begin_patch(&mut self) -> Result<Snapshot, SessionError> {
        let snapshot = self.snapshot(None, Why::BeforePatch)?;
        let before = snapshot.name.clone();
        self.change(|record| record.patching = Some(before))?;
        Ok(snapshot)
    }

    /// The same where that state has its name already: what is in the live layer counts only once it is whole.
    pub fn patch_since(&mut self, snapshot: &Snapshot) -> Result<(), SessionError> {
        let before = snapshot.name.clone();
        self.change(|record| record.patching = Some(before))
    }

    /// What was written since then is whole, or was taken back.
    pub fn patch_is_whole(&mut self) -> Result<(), SessionError> {
        self.change(|record| record.patching = None)
    }

    /// Keeps what was written since it began, and names that state.
    pub fn keep_patch(&mut self) -> Result<Snapshot, SessionError> {
        let (step, snapshot) = self.step_to_snapshot(None, Why::AfterPatch)?;
        self.take_and(step, |record| record.patching = None)?;
        Ok(snapshot)
    }

    /// Takes back all that was written since it began, and the name of the state before.
    pub fn undo_patch(&mut self) -> Result<(), SessionError> {
        let Some(before) = self.record().patching.clone() else { return Ok(()) };
        let step = self.step_below();
        self.take_and(step, |record| {
            record.patching = None;
            record.forget(|snapshot| snapshot.name == before);
        })
    }

    /// Whether a patch is being written, or was when its supervisor was killed.
    pub fn is_patching(&self) -> bool {
        self.record().patching.is_some()
    }
}
