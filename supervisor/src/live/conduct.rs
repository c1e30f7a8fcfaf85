//! What moves a living sandbox on: reports, deadlines, limits, and what is asked of its commands meanwhile.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clearing_profiles::Profile;
use clearing_runtime::cgroup::Group;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

use super::LiveSandbox;
use super::asked::{Happened, Reader};
use super::exec::{Common, Exec, Rest};
use crate::error::Error;
use crate::watch::{Measure, Output};

/// For how long nothing has to run before that is written down: commands often come one after the other.
const SETTLING: Duration = Duration::from_millis(50);

impl LiveSandbox {
    /// What to poll for, in the order that [`LiveSandbox::advance`] expects. Nothing once the sandbox has ended.
    pub(crate) fn polled(&self) -> Vec<PollFd<'_>> {
        let Some(sandbox) = &self.sandbox else { return Vec::new() };
        let fixed = std::iter::once(sandbox.as_fd()).chain(self.alarm());
        let listeners = self.listeners().into_iter().map(|(_, listener)| listener);
        fixed.chain(listeners).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect()
    }

    /// When [`LiveSandbox::advance`] has something to do, whatever becomes readable until then.
    pub(crate) fn due(&self) -> Option<Instant> {
        if !self.happened.is_empty() {
            return Some(Instant::now());
        }
        self.next_due()
    }

    /// The same where what happened was told, or waits for somebody who asks.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let execs = self.execs.iter().filter_map(|exec| exec.watch.due());
        let rests = self.rests.iter().filter_map(|rest| rest.watch.due());
        execs.chain(rests).chain(self.settling).min()
    }

    /// Does what can be done without waiting, after a poll that found these to be `ready`, or no poll at all; and
    /// tells what has happened, the number of the exec before each. An error is the sandbox's end, which comes after
    /// what is told: every exec has got its outcome.
    pub(crate) fn advance(
        &mut self,
        ready: &[bool],
        tell: &mut dyn FnMut(u32, Happened),
    ) -> Result<(), Error> {
        let done = self.move_on(ready);
        if done.is_err() {
            self.give_up_all();
        }
        for (exec, happened) in std::mem::take(&mut self.happened) {
            tell(exec, happened);
        }
        done
    }

    /// Sends a signal to what is in the foreground of its terminal, or to the process group that it leads.
    pub(crate) fn signal(&self, exec: u32, signal: i32) -> Result<(), Error> {
        match &self.sandbox {
            Some(sandbox) => Ok(sandbox.signal(exec, signal)?),
            None => Err(Error::SandboxEnded),
        }
    }

    /// Ends a command and all that it has begun, and nothing else: SIGTERM, after the grace SIGKILL. Its outcome
    /// comes when none of it is left. What has ended, and left something running, has that ended at once.
    pub(crate) fn end_exec(&mut self, exec: u32) -> Result<(), Error> {
        let sandbox = self.sandbox.as_ref().ok_or(Error::SandboxEnded)?;
        match self.execs.iter_mut().find(|known| known.id == exec) {
            Some(exec) => exec.watch.cancel(),
            None => {
                self.rests.iter().filter(|rest| rest.id == exec).for_each(Rest::kill_leaf);
                sandbox.end_exec(exec)?;
            }
        }
        Ok(())
    }

    /// So much output of a command has been handed on by now, and so much was left out: which the limit on output
    /// makes its end.
    pub(crate) fn output_passed(&mut self, exec: u32, output: Output) {
        if let Some(exec) = self.execs.iter_mut().find(|known| known.id == exec) {
            exec.output = output;
            if output.truncated.any() {
                exec.watch.heed();
            }
        }
    }

    /// What a command that was just started says has this reader.
    pub(crate) fn read_by(&mut self, exec: u32, reader: Arc<dyn Reader>) {
        if let Some(exec) = self.execs.iter_mut().find(|known| known.id == exec) {
            exec.reader = Some(reader);
        }
    }

    /// How much of its output is kept.
    pub(crate) fn output_kept(&self, other: Option<&Profile>) -> clearing_profiles::Output {
        let own = self.profile.output;
        other.map_or(own, |Profile { output, .. }| clearing_profiles::Output {
            head: own.head.min(output.head),
            tail: own.tail.min(output.tail),
        })
    }

    /// How much output a command may have.
    pub(crate) fn output_limit(&self, exec: u32) -> Option<u64> {
        self.execs.iter().find(|known| known.id == exec)?.limits.output
    }

    /// Whether nothing runs but init.
    pub(crate) fn is_quiet(&self) -> bool {
        self.execs.is_empty() && self.rests.is_empty()
    }

    fn alarm(&self) -> Option<BorrowedFd<'_>> {
        self.hold.group().and_then(Group::alarm)
    }

    fn listeners(&self) -> Vec<(u32, BorrowedFd<'_>)> {
        let execs = self.execs.iter().filter_map(|exec| Some((exec.id, exec.watch.listener()?)));
        let rests = self.rests.iter().filter_map(|rest| Some((rest.id, rest.watch.listener()?)));
        execs.chain(rests).collect()
    }

    pub(super) fn move_on(&mut self, ready: &[bool]) -> Result<(), Error> {
        let is_ready = |index: usize| ready.get(index).copied().unwrap_or(false);
        let fixed = 1 + usize::from(self.alarm().is_some());
        let numbers = self.listeners().into_iter().map(|(exec, _)| exec).enumerate();
        let asking: Vec<u32> =
            numbers.filter(|(index, _)| is_ready(fixed + index)).map(|(_, exec)| exec).collect();
        asking.into_iter().try_for_each(|exec| self.look_on(exec))?;
        if fixed == 2 && is_ready(1) {
            self.execs.iter_mut().for_each(|exec| exec.watch.heed());
            self.rests.iter_mut().for_each(|rest| rest.watch.heed());
        }
        if is_ready(0) {
            self.hear_all()?;
        }
        self.keep_the_limits();
        self.take_measures()?;
        if self.settling.is_some_and(|at| at <= Instant::now()) {
            self.settle()?;
            // Nobody waits for anything now. What cannot be done of it is as good as it was.
            let _ = self.retain();
        }
        Ok(())
    }

    fn look_on(&mut self, exec: u32) -> Result<(), Error> {
        let Self { execs, rests, happened, .. } = self;
        let of_exec = execs.iter_mut().filter(|known| known.id == exec).map(|exec| (&mut exec.watch, &None));
        let of_rest = rests.iter_mut().filter(|known| known.id == exec);
        for (watch, past) in of_exec.chain(of_rest.map(|rest| (&mut rest.watch, &rest.past))) {
            watch.look_on(&mut |denial| {
                // Those of a command stand with its outcome. What was refused stays so where the record has no room.
                let _ = past.as_ref().map(|past| past.denied(denial));
                happened.push((exec, Happened::Denial(denial.clone())));
            })?;
        }
        Ok(())
    }

    /// Takes all that init has said by now.
    fn hear_all(&mut self) -> Result<(), Error> {
        loop {
            self.hear_one()?;
            let Some(sandbox) = &self.sandbox else { return Ok(()) };
            let mut more = [PollFd::new(sandbox.as_fd(), PollFlags::POLLIN)];
            if poll(&mut more, PollTimeout::ZERO).unwrap_or(0) == 0 {
                return Ok(());
            }
        }
    }

    fn keep_the_limits(&mut self) {
        let Self { sandbox, hold, place, execs, rests, happened, .. } = self;
        let Some(sandbox) = sandbox else { return };
        let watched = u32::try_from(execs.len() + rests.len()).unwrap_or(u32::MAX);
        let (kept, init) = (sandbox.kept(), sandbox.init());
        let common = Common { group: hold.group(), place, kept, init, watched };
        for exec in execs {
            let scene = common.scene(exec.mark, exec.leaf.as_ref());
            let (alerts, _) = exec.watch.keep_the_limits(scene, exec.output);
            happened.extend(alerts.into_iter().map(|alert| (exec.id, Happened::Alert(alert))));
        }
        for rest in rests {
            // Whoever asked for it has its outcome: nobody is told.
            rest.look_at_leaf();
            let scene = common.scene(Some(rest.mark), rest.leaf.as_ref());
            rest.watch.keep_the_limits(scene, Output::default());
        }
    }

    fn take_measures(&mut self) -> Result<(), Error> {
        let Self { sandbox, execs, rests, .. } = self;
        let Some(sandbox) = sandbox else { return Ok(()) };
        let mut given_up = Vec::new();
        for exec in execs {
            match exec.watch.measure() {
                None => {}
                Some(Measure::Terminate) => {
                    sandbox.signal_exec(exec.id, Signal::SIGTERM as i32)?;
                    sandbox.signal_exec(exec.id, Signal::SIGCONT as i32)?;
                }
                Some(Measure::Kill) => {
                    exec.kill_leaf();
                    sandbox.end_exec(exec.id)?;
                }
                Some(Measure::GiveUp) => given_up.push(exec.id),
            }
        }
        for rest in rests {
            if rest.watch.measure() == Some(Measure::Kill) {
                rest.kill_leaf();
                sandbox.end_exec(rest.id)?;
            }
        }
        for exec in given_up {
            self.conclude(exec, false)?;
            self.give_up(Error::InitEnded)?;
        }
        Ok(())
    }

    /// Takes the exec out of those that run.
    pub(super) fn take_exec(&mut self, exec: u32) -> Option<Exec> {
        let index = self.execs.iter().position(|known| known.id == exec)?;
        Some(self.execs.remove(index))
    }

    /// Nothing runs any more; that is written down soon.
    pub(super) fn become_quiet(&mut self) {
        self.rests.clear();
        self.settling = Some(Instant::now() + SETTLING);
    }
}
