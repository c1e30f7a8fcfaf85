//! What the profile makes of the session's history when a command ends: as for one that runs by itself, so for one
//! that nothing else runs beside. What several commands did at a time is not undone for one of them.

use clearing_rootfs::Why;

use super::LiveSandbox;
use crate::error::Error;
use crate::outcome::Cause;
use crate::rollback::{WentBack, decision, trigger};

impl LiveSandbox {
    /// Gives the state before a command a name, if the command may be undone. One that begins beside others may
    /// not, nor may those any more.
    pub(super) fn name_present(&mut self) -> Result<(), Error> {
        self.before = None;
        if self.profile.rollback.on.is_empty() || !self.is_quiet() {
            return Ok(());
        }
        self.settle()?;
        self.make_room_for_a_snapshot()?;
        let name = match self.session()?.present_snapshot()? {
            Some(name) => name,
            None => {
                let (step, snapshot) = self.session()?.step_to_snapshot(None, Why::BeforeExec)?;
                self.go_on(step)?;
                snapshot.name
            }
        };
        self.before = Some(name);
        Ok(())
    }

    /// Goes back if the command's end is one of those to go back after, and nothing else runs.
    pub(super) fn go_back(
        &mut self,
        cause: Cause,
        exit_code: Option<i32>,
    ) -> Result<Option<WentBack>, Error> {
        let on = trigger(cause, exit_code).filter(|it| self.profile.rollback.on.contains(it));
        let (Some(on), true, Some(name)) = (on, self.is_quiet() && self.is_alive(), self.before.clone())
        else {
            return Ok(None);
        };
        self.settle()?;
        let decision = decision(on, &name, self.session()?);
        let rolled = self.audit.clone().record(&decision, || {
            let (step, rolled) = self.session()?.step_back(&name, Why::RolledBack)?;
            self.go_on(step)?;
            Ok(rolled)
        })?;
        Ok(Some(WentBack::of(on, rolled)))
    }
}
