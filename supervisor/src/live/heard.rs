//! What init says, and what that means for the commands.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use clearing_runtime::cgroup::Leaf;
use clearing_runtime::{NotRemounted, Report};

use super::LiveSandbox;
use super::asked::Happened;
use super::exec::Common;
use crate::error::Error;
use crate::watch::Taken;

impl LiveSandbox {
    pub(super) fn await_ready(&mut self) -> Result<(), Error> {
        while self.guards.is_empty() {
            self.hear_one()?;
        }
        Ok(())
    }

    /// Waits for an answer; what is reported of commands meanwhile is told later.
    pub(super) fn answer(
        &mut self,
        wanted: impl Fn(Report) -> Option<Result<(), NotRemounted>>,
    ) -> Result<(), Error> {
        loop {
            match self.hear_one()?.map(&wanted) {
                Some(Some(Ok(()))) => return Ok(()),
                Some(Some(Err(NotRemounted::Busy { processes }))) => return Err(Error::Alive(processes)),
                Some(Some(Err(NotRemounted::Failed(failure)))) => return Err(failure.into()),
                Some(None) | None => {}
            }
        }
    }

    /// Waits for the next thing that init says. What is no answer is dealt with; what ends the sandbox is an error.
    pub(super) fn hear_one(&mut self) -> Result<Option<Report>, Error> {
        let sandbox = self.sandbox.as_mut().ok_or(Error::SandboxEnded)?;
        let Some((report, descriptor)) = sandbox.next_report()? else {
            self.give_up_all();
            return Err(Error::InitEnded);
        };
        match report {
            Report::Ready { guards, .. } => {
                self.guards = guards;
                Ok(None)
            }
            Report::Failed(failure) => {
                self.give_up_all();
                Err(failure.into())
            }
            Report::Quiet(Ok(())) => {
                self.rests.clear();
                Ok(Some(report))
            }
            Report::Quiet(_) | Report::Remounted(_) => Ok(Some(report)),
            Report::Alone => {
                self.become_quiet();
                Ok(None)
            }
            Report::Stale => {
                self.view.is_stale = true;
                Ok(None)
            }
            Report::Zygote(_) => Ok(None),
            Report::Ended { exec } => self.nothing_is_left_of(exec).map(|()| None),
            report @ (Report::Started { exec, .. }
            | Report::NotStarted { exec, .. }
            | Report::Observed { exec }
            | Report::Exited { exec, .. }) => self.hear_of(exec, report, descriptor).map(|()| None),
        }
    }

    fn nothing_is_left_of(&mut self, id: u32) -> Result<(), Error> {
        self.rests.retain(|rest| rest.id != id);
        let is_clearing = self.execs.iter().any(|exec| exec.id == id && exec.is_clearing);
        if is_clearing { self.conclude(id, false) } else { Ok(()) }
    }

    fn hear_of(&mut self, id: u32, report: Report, descriptor: Option<OwnedFd>) -> Result<(), Error> {
        let Self { sandbox, hold, place, execs, rests, happened, .. } = self;
        let Some(sandbox) = sandbox else { return Ok(()) };
        let watched = u32::try_from(execs.len() + rests.len()).unwrap_or(u32::MAX);
        let (kept, init) = (sandbox.kept(), sandbox.init());
        let common = Common { group: hold.group(), place, kept, init, watched };
        let Some(exec) = execs.iter_mut().find(|exec| exec.id == id) else { return Ok(()) };
        if let Report::Started { mark, .. } = &report {
            exec.mark = *mark;
        }
        match exec.watch.take(report, descriptor, common.scene(exec.mark, exec.leaf.as_ref())) {
            Taken::Nothing => Ok(()),
            Taken::Started => {
                happened.push((id, Happened::Started));
                Ok(())
            }
            Taken::StartedOn(terminal) => {
                let terminal = Arc::new(terminal);
                exec.reader.iter().for_each(|reader| reader.attach(&terminal));
                happened.extend([(id, Happened::Terminal(terminal)), (id, Happened::Started)]);
                Ok(())
            }
            Taken::Over => self.is_over(id),
        }
    }

    /// The first process of a command has ended. If we have ended it, the others are to end as well.
    fn is_over(&mut self, id: u32) -> Result<(), Error> {
        let Self { sandbox, execs, .. } = self;
        let (Some(sandbox), Some(exec)) = (sandbox, execs.iter_mut().find(|exec| exec.id == id)) else {
            return Ok(());
        };
        let (is_ending, end) = (exec.watch.is_ending(), exec.watch.end_so_far());
        let (alone, left) = (end.alone, end.left);
        let left = left || exec.leaf.as_ref().is_some_and(Leaf::is_inhabited);
        if is_ending && left {
            exec.is_clearing = true;
            exec.watch.kill();
            exec.kill_leaf();
            sandbox.end_exec(id)?;
            return Ok(());
        }
        self.conclude(id, left)?;
        if alone || self.execs.is_empty() && self.rests.is_empty() {
            self.become_quiet();
        }
        Ok(())
    }
}
