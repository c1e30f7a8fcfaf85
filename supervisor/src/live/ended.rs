//! The end of a command: its outcome, and the line of the record.

use std::time::Instant;

use clearing_rootfs::{Changes, Emptiness};
use clearing_runtime::cgroup::Leaf;
use clearing_runtime::spec::Layer;

use super::LiveSandbox;
use super::asked::Happened;
use super::exec::{Common, Exec, Rest};
use crate::assemble::{Around, outcome};
use crate::audit::{Act, Ended};
use crate::error::Error;
use crate::exec::COMPARISON;
use crate::monitor::{Beside, Counted, Monitor};
use crate::outcome::{Cause, ChangeCounts};
use crate::place::Writable;
use crate::quota::Quota;
use crate::verdict::judge;
use crate::watch::{Pace, Watch};

impl LiveSandbox {
    /// Tells the outcome of a command. What it may have left running is watched from here on.
    pub(super) fn conclude(&mut self, id: u32, may_have_left: bool) -> Result<(), Error> {
        let Some(mut exec) = self.take_exec(id) else { return Ok(()) };
        let onlooker = exec.watch.take_onlooker();
        let (limits, past) = (exec.limits.clone(), exec.act.as_ref().map(Act::past));
        let rest = exec.mark.map(|mark| (mark, onlooker));
        let leaf = self.tell_end(exec).filter(|leaf| !leaf.remove_if_empty());
        let rest = rest.filter(|_| may_have_left || leaf.is_some());
        let (Some((mark, onlooker)), Some(sandbox)) = (rest, &self.sandbox) else { return Ok(()) };
        let pace = Pace { grace: limits.grace, patience: limits.grace };
        let monitor = Monitor::new(&limits, &self.hold, None).in_leaf(leaf.as_ref().map(Leaf::group));
        let mut watch = Watch::new(None, pace, monitor).looking_on(onlooker);
        let (kept, init, group, place) = (sandbox.kept(), sandbox.init(), self.hold.group(), &self.place);
        // Among others, whether there are any or not: what it has is told by its mark alone.
        let common = Common { group, place, kept, init, watched: 2 };
        watch.goes_on(common.scene(Some(mark), leaf.as_ref()));
        self.rests.push(Rest { id, mark, watch, leaf, past });
        Ok(())
    }

    /// Gives back its leaf, which has been measured.
    fn tell_end(&mut self, exec: Exec) -> Option<Leaf> {
        let Exec { id, watch, limits, variables, began, mark, output, reader, leaf, act, .. } = exec;
        // What was said just before the end is said in the outcome, and so is what of it was too much.
        let output = reader.map_or(output, |reader| reader.read_out());
        let beside = match mark {
            Some(mark) if !self.is_quiet() => Beside::Others { mark, watched: 1 },
            _ => Beside::NothingNow,
        };
        let counted = Counted { sandbox: self.hold.group(), leaf: leaf.as_ref().map(Leaf::group) };
        let mut end = watch.into_end(counted, beside);
        end.truncated = output.truncated;
        // They are about the sandbox as a whole, and come before those of the command.
        end.guards.splice(0..0, self.guards.iter().cloned());
        let verdict = judge(&end, &limits);
        let changes = self.changes(&limits).unwrap_or_else(|_| Changes::unreadable());
        // There is an outcome all the same, which says whether it went back.
        let rolled_back = self.go_back(verdict.cause, verdict.exit_code);
        let quota = Quota::of_living();
        let around = Around {
            host: &self.host,
            workspace: &self.workspace,
            place: &self.place,
            reports: self.hold.reports_in(leaf.as_ref(), &limits, &quota, &end.guards),
            by_group: leaf.is_some() || self.hold.group().is_some(),
            manager_ms: self.hold.manager_ms,
            changes: ChangeCounts::of(&changes),
            variables,
            wall: began.elapsed(),
        };
        let (outcome, _) = outcome(verdict, end, rolled_back, around);
        // That a command ran cannot be taken back when the record has no room for its end.
        let _ = act.map(|act| act.end(&Ended::of(&outcome)));
        self.happened.push((id, Happened::Exited(Box::new(outcome))));
        leaf
    }

    /// What the session has changed of the project: nothing where nothing was, and nobody has written anything since.
    pub(super) fn changes(&mut self, limits: &clearing_profiles::Limits) -> Result<Changes, Error> {
        let Writable { sealed, layer } = &self.workspace.changes;
        let upper = match layer {
            Layer::Directories { upper, .. } if sealed.is_empty() => Some(upper),
            _ => None,
        };
        let unwritten = self.unwritten.take().zip(upper).filter(|(unwritten, upper)| unwritten.lasts(upper));
        if let Some((unwritten, _)) = unwritten {
            self.unwritten = Some(unwritten);
            return Ok(Changes::default());
        }
        let until = limits.timeout.and_then(|_| Instant::now().checked_add(COMPARISON));
        let changes = self.workspace.compare(None, until)?;
        self.unwritten = upper.filter(|_| changes.is_empty()).and_then(|upper| Emptiness::of(upper));
        Ok(changes)
    }

    /// The sandbox has ended, or must: so has every command, and its cause is that.
    pub(super) fn give_up_all(&mut self) {
        self.sandbox = None;
        // The record says that something ran: whoever opens the session next puts it right if this cannot.
        let _ = self.end_all().and_then(|()| self.settle());
    }

    /// Tells the outcomes of all, once there is nobody left.
    pub(super) fn end_all(&mut self) -> Result<(), Error> {
        self.rests.clear();
        while let Some(id) = self.execs.first().map(|exec| exec.id) {
            self.conclude(id, false)?;
        }
        Ok(())
    }

    /// The sandbox shows what no record names: nothing was written there yet, and nothing will be.
    pub(super) fn give_up(&mut self, error: Error) -> Result<(), Error> {
        self.give_up_all();
        Err(error)
    }
}

/// Whether a limit ended it, or it was never started.
pub(super) fn is_whole(cause: Cause) -> bool {
    matches!(cause, Cause::Exit | Cause::Signal)
}
