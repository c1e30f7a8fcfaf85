//! Which snapshots the profile keeps, and how many layers lie below the sandbox: seen to when nothing runs and
//! nobody asks, and before one more is made where nobody ever leaves off.

use std::time::{Duration, Instant};

use clearing_profiles::Rollback;
use clearing_rootfs::{Merging, Retention, Step};

use super::LiveSandbox;
use crate::error::Error;

/// Of so many more snapshots than the profile keeps, or layers that none of them needs, nothing comes that waits. An
/// overlay of the kernel has at most 500 layers, and a profile at most 400 snapshots.
const SLACK: usize = 32;
/// For so long layers stay that nobody names any more: somebody may be looking into them.
const GRACE: Duration = Duration::from_secs(10);

impl LiveSandbox {
    /// Forgets the snapshots that the profile does not keep, and merges layers where there are too many. What is
    /// seen stays the same. Where something runs it waits for the next time.
    pub(super) fn retain(&mut self) -> Result<(), Error> {
        if !self.is_quiet() {
            return Ok(());
        }
        if self.uncollected.is_some_and(|since| since.elapsed() > GRACE) {
            self.begin_to_collect()?;
        }
        let Rollback { max_snapshots: number, max_age: age, .. } = self.profile.rollback;
        let forgotten = self.session_mut()?.forget_beyond(Retention { number, age })?;
        let merged = self.merge_layers()?;
        if merged || !forgotten.is_empty() {
            self.uncollected.get_or_insert_with(Instant::now);
        }
        Ok(())
    }

    /// Has the layers removed that were merged, and those of forgotten snapshots, and does not wait for that.
    fn begin_to_collect(&mut self) -> Result<(), Error> {
        if self.collecting.as_ref().is_some_and(|collecting| !collecting.is_finished()) {
            return Ok(());
        }
        let collect = self.session()?.collector();
        let collecting = std::thread::Builder::new().name("collecting".into()).spawn(collect);
        self.collecting = Some(collecting.map_err(|error| Error::System("starting a thread", error))?);
        self.uncollected = None;
        Ok(())
    }

    /// The same to its end.
    pub(super) fn collect_layers(&mut self) -> Result<(), Error> {
        self.collecting.take().into_iter().for_each(|collecting| drop(collecting.join()));
        match self.uncollected.take() {
            Some(_) => Ok(self.session()?.collect_layers()?),
            None => Ok(()),
        }
    }

    /// The same where one more snapshot would be too many. Without it there is a snapshot all the same.
    pub(super) fn make_room_for_a_snapshot(&mut self) -> Result<(), Error> {
        let record = self.session()?.record();
        let kept = usize::try_from(self.profile.rollback.max_snapshots).unwrap_or(usize::MAX);
        let (snapshots, depth) = (record.snapshots.len(), record.depth());
        let is_much = snapshots > kept.saturating_add(SLACK) || depth > snapshots + SLACK * 2;
        if is_much {
            let _ = self.retain();
        }
        if self.is_alive() { Ok(()) } else { Err(Error::SandboxEnded) }
    }

    /// Tells whether anything was tried. The merged layers are shown first, and written down last.
    fn merge_layers(&mut self) -> Result<bool, Error> {
        let session = self.session()?;
        // Those that could not be merged are not tried again until there are more.
        if session.record().depth() <= self.depth {
            return Ok(false);
        }
        let Merging { step, tried, .. } = session.step_to_fewer()?;
        if let Some(step) = step {
            self.show_fewer(step)?;
        }
        if tried {
            self.depth = self.session()?.record().depth();
        }
        Ok(tried)
    }

    fn show_fewer(&mut self, step: Step) -> Result<(), Error> {
        self.session()?.check_project(&self.workspace.project)?;
        let before = self.workspace.clone();
        let renewed = self.renew(&step, None, |_, _, moved| moved);
        self.show(renewed, before)?;
        match self.session_mut()?.take(step) {
            Ok(()) => Ok(()),
            Err(error) => self.give_up(error.into()),
        }
    }
}
