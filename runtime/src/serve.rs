//! What init does once the sandbox stands: starts commands, reaps, passes signals on, reports.

mod ending;
mod reap;
mod reserve;
mod start;
mod telling;

use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::sys::signalfd::SignalFd;
use nix::sys::time::TimeSpec;
use nix::unistd::{Pid, tcgetpgrp};
use seccompiler::{BpfProgram, sock_filter};

use crate::channel::{Channel, NotRemounted, Report, Request};
use crate::confine::Confinement;
use crate::error::{AtStage as _, Failure, Stage};
use crate::family::{Family, Reach};
use crate::guard::GuardReport;
use crate::mark;
use crate::remount::Living;
use crate::sandbox::Kept;
use crate::spec::{Mount, Others, Remount};
use crate::sys::trim_heap;
use reserve::Reserve;
use start::Command;
use telling::Held;

/// Init at work.
pub(crate) struct Server<'a> {
    supervisor: &'a Channel,
    confinement: Confinement<'a>,
    family: Family,
    /// Readable when a child has died, or when init is to end.
    wake: SignalFd,
    commands: Vec<Command>,
    reserve: Reserve,
    /// Not yet reported: a command that waits already is started first.
    standing: Option<Standing>,
    /// Not yet reported either, and may wait.
    held: Option<Held>,
    /// The last command has ended.
    over: bool,
    /// And left nothing running.
    alone: bool,
    /// Where the layers may change.
    living: Option<Living>,
    /// From where on the marks of execs count down.
    highest_mark: u64,
    /// Execs that are to end with all of their processes.
    ending: Vec<u32>,
    /// There has been a command since nothing was left but init.
    has_begun: bool,
    /// The end of a command has just been told as that of the last process.
    is_told_alone: bool,
    /// There is something to unmount, for which init waits until nobody waits for it.
    is_to_clear: bool,
    /// What was looked up of the project is to be dropped, when nobody waits for init or the next command begins.
    is_to_look_anew: bool,
    /// There is memory to be given back, of work that is done.
    has_worked: bool,
    /// There may be more to be reaped, and no signal will say so.
    are_dead_left: bool,
}

/// What is to be reported of the sandbox itself.
pub(crate) struct Standing {
    pub(crate) guards: Vec<GuardReport>,
    pub(crate) kept: Kept,
}

impl<'a> Server<'a> {
    pub(crate) fn new(
        supervisor: &'a Channel,
        confinement: Confinement<'a>,
        standing: Standing,
        wake: SignalFd,
        family: Family,
    ) -> Self {
        let (commands, standing) = (Vec::new(), Some(standing));
        Self {
            supervisor,
            confinement,
            family,
            wake,
            commands,
            reserve: Reserve::default(),
            standing,
            held: None,
            over: false,
            alone: false,
            living: None,
            highest_mark: mark::highest(),
            ending: Vec::new(),
            has_begun: false,
            is_told_alone: false,
            is_to_clear: false,
            is_to_look_anew: false,
            has_worked: true,
            are_dead_left: false,
        }
    }

    /// With what it takes to change the layers.
    pub(crate) fn living(self, living: Option<Living>) -> Self {
        Self { living, ..self }
    }

    /// Serves until the supervisor hangs up or the last command has ended, and then ends what is left; what
    /// it returns is init's exit code.
    pub(crate) fn serve(mut self) -> i32 {
        let code = self.serve_all();
        self.family.end();
        code
    }

    fn serve_all(&mut self) -> i32 {
        loop {
            let has_nothing_to_do = self.is_idle();
            let Ok(ready) = self.wait(self.patience()) else { return 125 };
            self.learn();
            if self.held_is_due().is_some_and(|due| due.is_zero()) {
                self.tell_held();
            }
            if ready.is_nobody() {
                if has_nothing_to_do {
                    self.rest();
                }
                self.clear();
                // Until it is done, the next command does it before it begins, or fails.
                let _ = self.look_anew();
            }
            self.look_after_zygote(ready.is_nobody());
            if ready.heard {
                self.hear_zygote();
            }
            if !ready.asked {
                self.report_standing();
            }
            for exec in ready.telling {
                self.listen(exec);
            }
            if ready.woken || self.are_dead_left {
                self.reap();
            }
            self.pursue();
            if self.over {
                self.wait_for_the_last_look();
                return 0;
            }
            if ready.asked && !self.answer() {
                return 0;
            }
        }
    }

    /// How long to wait; nothing where that has no end.
    fn patience(&self) -> Option<Duration> {
        let is_now = self.standing.is_some() || self.are_dead_left;
        let looks_again = self.is_to_clear || !self.ending.is_empty();
        let own = [
            is_now.then_some(Duration::ZERO),
            self.is_to_look_anew.then_some(SOON),
            looks_again.then_some(LOOK_AGAIN),
            (self.has_worked && self.is_idle()).then_some(REST),
        ];
        own.into_iter().chain([self.zygote_is_due(), self.held_is_due()]).flatten().min()
    }

    /// Begins to unmount what was replaced. Forking takes longer than all else that a snapshot is, and whoever was
    /// answered may wait for the same processor.
    fn clear(&mut self) {
        if std::mem::take(&mut self.is_to_clear) {
            self.living.iter_mut().for_each(Living::clear);
        }
    }

    /// Nothing runs, and nothing is left to be done.
    fn is_idle(&self) -> bool {
        let is_to_work = self.is_to_clear || self.is_to_look_anew;
        self.living.is_some() && self.standing.is_none() && self.commands.is_empty() && !is_to_work
    }

    /// A sandbox that lives on is mostly idle, and there may be many of them. Where one command follows the other, memory
    /// would only be asked for again.
    fn rest(&mut self) {
        if std::mem::take(&mut self.has_worked) {
            trim_heap();
        }
    }

    fn wait(&self, patience: Option<Duration>) -> Result<Ready, Errno> {
        let starting: Vec<(u32, BorrowedFd<'_>)> = self
            .commands
            .iter()
            .filter_map(|command| Some((command.exec, command.starting.as_ref()?.pipe.as_fd())))
            .collect();
        let fixed = [self.supervisor.as_fd(), self.wake.as_fd()];
        let zygote = self.reserve.zygote.as_ref().map(|zygote| zygote.as_fd());
        let mut polled: Vec<PollFd<'_>> = fixed
            .into_iter()
            .chain(starting.iter().map(|(_, pipe)| *pipe))
            .chain(zygote)
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        ppoll(&mut polled, patience.map(TimeSpec::from_duration), None)?;
        let ready: Vec<bool> = polled.iter().map(|fd| fd.any().unwrap_or(true)).collect();
        let telling =
            starting.iter().zip(&ready[2..]).filter(|(_, ready)| **ready).map(|((exec, _), _)| *exec);
        let heard = zygote.is_some() && ready.last() == Some(&true);
        Ok(Ready { asked: ready[0], woken: ready[1], telling: telling.collect(), heard })
    }

    /// Carries out one request; false when the supervisor has hung up or cannot be understood.
    fn answer(&mut self) -> bool {
        match self.supervisor.receive() {
            Ok(Some((Request::Exec(spec), handed))) => {
                self.has_worked = true;
                self.is_used();
                self.start(spec, handed);
                self.clear();
            }
            Ok(Some((Request::Signal { exec, signal }, _))) => self.signal(exec, signal),
            Ok(Some((Request::SignalAll { signal }, _))) => self.family.signal(signal),
            Ok(Some((Request::SignalExec { exec, signal }, _))) => self.signal_exec(exec, signal),
            Ok(Some((Request::End { exec }, _))) => {
                self.ending.push(exec);
                self.pursue();
            }
            Ok(Some((Request::Filter(program), _))) => {
                self.end_zygote();
                self.confinement.filter = filter(&program);
            }
            // Long done.
            Ok(Some((
                Request::MapsWritten | Request::Descriptors | Request::Sources(_) | Request::Build(_),
                _,
            ))) => {}
            Ok(Some((Request::Prepare(steps), _))) => {
                self.living.iter_mut().for_each(|living| living.have_ready(steps.clone()));
            }
            Ok(Some((Request::Expect, _))) => self.expect_command(),
            Ok(Some((Request::Quiet(others), _))) => {
                let quiet = self.quiet(others);
                self.report(&Report::Quiet(quiet), &[]);
            }
            Ok(Some((Request::Remount(remount), _))) => return self.remount(&remount),
            Ok(Some((Request::Regrouped, _))) => {
                // One that was made before may stand outside of the groups.
                self.end_zygote();
                return self.see_own_groups();
            }
            Ok(None) | Err(_) => return false,
        }
        true
    }

    /// What the command left running ends with init, and with it the account of what it used.
    fn wait_for_the_last_look(&self) {
        while !self.alone && matches!(self.supervisor.receive::<Request>(), Ok(Some(_))) {}
    }

    /// A cgroup namespace has the groups as its root that its maker was in.
    fn see_own_groups(&mut self) -> bool {
        if self.family.reach != Reach::Namespace {
            return true;
        }
        let seen = unshare(CloneFlags::CLONE_NEWCGROUP).at(Stage::Init, || "unshare(CLONE_NEWCGROUP)".into());
        seen.map_err(|failure| self.report(&Report::Failed(failure), &[])).is_ok()
    }

    /// Sees to it that nobody else is alive, or says that somebody is.
    fn quiet(&mut self, others: Others) -> Result<(), NotRemounted> {
        for _ in 0..LOOKS {
            if others == Others::End {
                self.take_back_all();
            }
            self.reap();
            match self.others_alive() {
                0 => return Ok(()),
                processes if others == Others::Refuse => return Err(NotRemounted::Busy { processes }),
                _ => self.family.signal(Signal::SIGKILL as i32),
            }
            let mut death = [PollFd::new(self.wake.as_fd(), PollFlags::POLLIN)];
            let _ = ppoll(&mut death, Some(LOOK_AGAIN.into()), None);
        }
        Err(NotRemounted::Busy { processes: self.others_alive() })
    }

    /// False when the sandbox must end, since what it shows is half of one and half of the other.
    fn remount(&mut self, remount: &Remount) -> bool {
        let shown = match self.quiet(remount.others) {
            Ok(()) => {
                // Its commands would enter the old domain.
                self.end_zygote();
                self.show(&remount.steps)
            }
            Err(busy) => Ok(Err(busy)),
        };
        match shown {
            Ok(result) => {
                self.want_zygote();
                self.tell_held();
                let overlays = self.living.as_ref().map(Living::overlays).unwrap_or_default();
                // A supervisor that is gone is noticed as a hang-up.
                let _ = self.supervisor.send(&Report::Remounted(result), &overlays);
                self.is_to_clear = true;
                true
            }
            Err(failure) => {
                self.report(&Report::Failed(failure), &[]);
                false
            }
        }
    }

    fn show(&mut self, steps: &[Mount]) -> Result<Result<(), NotRemounted>, Failure> {
        let Some(living) = &mut self.living else {
            let unasked =
                Err(Errno::EINVAL).at(Stage::Mounts, || "layers of a sandbox that has one view".into());
            return Ok(unasked.map_err(NotRemounted::Failed));
        };
        let ready = match living.prepare(steps) {
            Ok(ready) => ready,
            Err(failure) => return Ok(Err(NotRemounted::Failed(failure))),
        };
        let domain = living.show(ready)?;
        // Where Landlock could be missing and is, it stays so.
        self.confinement.domain = self.confinement.domain.take().map(|_| domain);
        Ok(Ok(()))
    }

    /// How many processes there are beside init and what works for it.
    fn others_alive(&self) -> u64 {
        let counted = self.family.count(&self.ours());
        // Our own may have ended without our knowing it yet, and would be taken for one of these.
        counted.max(self.commands.len() as u64)
    }

    /// What works for init.
    fn ours(&self) -> Vec<Pid> {
        let zygote = self.reserve.zygote.as_ref().map(|zygote| zygote.pid);
        self.living.as_ref().and_then(Living::clearing).into_iter().chain(zygote).collect()
    }

    fn signal(&mut self, exec: u32, signal: i32) {
        if let Some(command) = self.commands.iter().find(|command| command.exec == exec) {
            let terminal = command.terminal.as_ref().filter(|_| !command.last);
            // Of a terminal without one the kernel says 0, which to `kill(2)` is our own: that of every sandbox's init.
            let foreground = |terminal| tcgetpgrp(terminal).ok().filter(|group| group.as_raw() > 0);
            if terminal.and_then(foreground).is_some_and(|group| send(Pid::from_raw(-group.as_raw()), signal))
            {
                return;
            }
            let Some(pid) = command.pid else { return self.keep_signal(exec, signal) };
            // A command that has only just been forked leads no group yet; it will see the signal.
            if !send(Pid::from_raw(-pid.as_raw()), signal) {
                send(pid, signal);
            }
        }
    }
}

/// How often init looks whether those that it killed are gone, and how long it waits for a death each time.
const LOOKS: u32 = 5000;
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// Whoever was told of an end has begun to do what it does with that by then, and whoever asks next has not asked yet.
const SOON: Duration = Duration::from_micros(300);
/// Whoever asks for nothing for so long is not about to.
const REST: Duration = Duration::from_millis(50);

/// What `poll` found.
struct Ready {
    asked: bool,
    woken: bool,
    /// Which execs.
    telling: Vec<u32>,
    /// The zygote says something.
    heard: bool,
}

impl Ready {
    fn is_nobody(&self) -> bool {
        !self.asked && !self.woken && !self.heard && self.telling.is_empty()
    }
}

fn filter(program: &[(u16, u8, u8, u32)]) -> BpfProgram {
    program.iter().map(|&(code, jt, jf, k)| sock_filter { code, jt, jf, k }).collect()
}

/// Whether somebody was there to be signalled.
fn send(to: Pid, signal: i32) -> bool {
    Signal::try_from(signal).and_then(|signal| kill(to, signal)).is_ok()
}
