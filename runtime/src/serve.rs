//! What init does once the sandbox stands: starts commands, reaps, passes signals on, reports.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::sys::signalfd::SignalFd;
use nix::unistd::Pid;
use rustix::process::WaitOptions;
use seccompiler::{BpfProgram, sock_filter};

use crate::channel::{Channel, ExitStatus, NotRemounted, Report, Request, Usage, unframe};
use crate::confine::{Confinement, Ends, Word, become_command, exit};
use crate::error::{AtStage as _, Failure, Stage};
use crate::family::{Family, Reach};
use crate::guard::GuardReport;
use crate::remount::Living;
use crate::sandbox::Kept;
use crate::spec::{ExecSpec, Mount, Others, Remount};
use crate::stdio::Streams;
use crate::sys::{Forked, fork, vfork};

/// Init at work.
pub(crate) struct Server<'a> {
    supervisor: &'a Channel,
    confinement: Confinement<'a>,
    family: Family,
    /// Readable when a child has died, or when init is to end.
    wake: SignalFd,
    commands: Vec<Command>,
    /// Not yet reported: a command that waits already is started first.
    standing: Option<Standing>,
    /// The last command has ended.
    over: bool,
    /// And left nothing running.
    alone: bool,
    /// Where the layers may change.
    living: Option<Living>,
}

/// What is to be reported of the sandbox itself.
pub(crate) struct Standing {
    pub(crate) guards: Vec<GuardReport>,
    pub(crate) kept: Kept,
}

/// A command that has not been reaped.
struct Command {
    exec: u32,
    pid: Pid,
    /// Until the program has been executed.
    starting: Option<Starting>,
    /// The sandbox ends with it.
    last: bool,
    /// A command that could not be started has been reported already.
    reported: bool,
}

/// A command on its way to `execve(2)`.
struct Starting {
    /// What it tells; the end of it is the program, or the command's death.
    pipe: OwnedFd,
    told: Vec<u8>,
    /// To be handed out.
    terminal: Option<OwnedFd>,
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
        let (over, alone, living) = (false, false, None);
        Self { supervisor, confinement, family, wake, commands, standing, over, alone, living }
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
            let patience = if self.standing.is_some() { PollTimeout::ZERO } else { PollTimeout::NONE };
            let Ok(ready) = self.wait(patience) else { return 125 };
            if !ready.asked {
                self.report_standing();
            }
            for index in ready.telling {
                self.listen(index);
            }
            if ready.woken {
                self.reap();
            }
            if self.over {
                self.wait_for_the_last_look();
                return 0;
            }
            if ready.asked && !self.answer() {
                return 0;
            }
        }
    }

    fn wait(&self, patience: PollTimeout) -> Result<Ready, Errno> {
        let starting: Vec<(usize, BorrowedFd<'_>)> = self
            .commands
            .iter()
            .enumerate()
            .filter_map(|(index, command)| Some((index, command.starting.as_ref()?.pipe.as_fd())))
            .collect();
        let fixed = [self.supervisor.as_fd(), self.wake.as_fd()];
        let mut polled: Vec<PollFd<'_>> = fixed
            .into_iter()
            .chain(starting.iter().map(|(_, pipe)| *pipe))
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        poll(&mut polled, patience)?;
        let ready: Vec<bool> = polled.iter().map(|fd| fd.any().unwrap_or(true)).collect();
        let telling =
            starting.iter().zip(&ready[2..]).filter(|(_, ready)| **ready).map(|((index, _), _)| *index);
        Ok(Ready { asked: ready[0], woken: ready[1], telling: telling.collect() })
    }

    /// Carries out one request; false when the supervisor has hung up or cannot be understood.
    fn answer(&mut self) -> bool {
        match self.supervisor.receive() {
            Ok(Some((Request::Exec(spec), streams))) => self.start(&spec, streams),
            Ok(Some((Request::Signal { exec, signal }, _))) => self.signal(exec, signal),
            Ok(Some((Request::SignalAll { signal }, _))) => self.family.signal(signal),
            Ok(Some((Request::Filter(program), _))) => self.confinement.filter = filter(&program),
            // Long done.
            Ok(Some((
                Request::MapsWritten | Request::Descriptors | Request::Sources(_) | Request::Build(_),
                _,
            ))) => {}
            Ok(Some((Request::Prepare(steps), _))) => {
                self.living.iter_mut().for_each(|living| living.have_ready(steps.clone()));
            }
            Ok(Some((Request::Quiet(others), _))) => {
                let quiet = self.quiet(others);
                self.report(&Report::Quiet(quiet), &[]);
            }
            Ok(Some((Request::Remount(remount), _))) => return self.remount(&remount),
            Ok(Some((Request::Regrouped, _))) => return self.see_own_groups(),
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
            self.reap();
            match self.others_alive() {
                0 => return Ok(()),
                processes if others == Others::Refuse => return Err(NotRemounted::Busy { processes }),
                _ => self.family.signal(Signal::SIGKILL as i32),
            }
            let mut death = [PollFd::new(self.wake.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut death, LOOK_AGAIN);
        }
        Err(NotRemounted::Busy { processes: self.others_alive() })
    }

    /// False when the sandbox must end, since what it shows is half of one and half of the other.
    fn remount(&mut self, remount: &Remount) -> bool {
        let shown = match self.quiet(remount.others) {
            Ok(()) => self.show(&remount.steps),
            Err(busy) => Ok(Err(busy)),
        };
        match shown {
            Ok(result) => {
                let overlays = self.living.as_ref().map(Living::overlays).unwrap_or_default();
                // A supervisor that is gone is noticed as a hang-up.
                let _ = self.supervisor.send(&Report::Remounted(result), &overlays);
                self.living.iter_mut().for_each(Living::clear);
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
        let own = self.living.as_ref().is_some_and(Living::is_clearing);
        self.family.count().saturating_sub(u64::from(own))
    }

    fn start(&mut self, spec: &ExecSpec, streams: Vec<OwnedFd>) {
        match self.start_command(spec, streams) {
            Ok(command) => {
                self.commands.push(command);
                self.report_standing();
            }
            Err(failure) => self.report(&Report::NotStarted { exec: spec.id, failure }, &[]),
        }
    }

    fn start_command(&self, spec: &ExecSpec, streams: Vec<OwnedFd>) -> Result<Command, Failure> {
        let (streams, terminal) = Streams::open(streams, spec.terminal)?;
        let (listen, tell) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)
            .at(Stage::Channel, || "pipe2(O_CLOEXEC)".into())?;
        let ends = Ends { told: &tell, supervisor: self.supervisor };
        let command = || become_command(spec, &self.confinement, &streams, &ends);
        let pid = if spec.is_last_program() { in_init_s_memory(command) } else { in_a_copy(command) };
        let pid = pid.at(Stage::Clone, || "fork()".into())?;
        let starting = Starting { pipe: listen, told: Vec::new(), terminal };
        Ok(Command { exec: spec.id, pid, starting: Some(starting), last: spec.last, reported: false })
    }

    /// Takes what a starting command has told so far, and no more: one that is stopped on its way
    /// waits for a signal that only init can pass on.
    fn listen(&mut self, index: usize) {
        let Some(starting) = &mut self.commands[index].starting else {
            return;
        };
        if !starting.hear() {
            self.finish_start(index);
        }
    }

    /// The command has become its program, or has died.
    fn finish_start(&mut self, index: usize) {
        let command = &mut self.commands[index];
        let Some(mut starting) = command.starting.take() else {
            return;
        };
        while starting.hear() {}
        let exec = command.exec;
        let told = unframe(&starting.told).at(Stage::Channel, || "read(command)".into());
        match told.and_then(guards) {
            Ok(guards) => {
                let terminal: Vec<BorrowedFd<'_>> = starting.terminal.iter().map(|fd| fd.as_fd()).collect();
                self.report(&Report::Started { exec, guards }, &terminal);
            }
            Err(failure) => {
                command.reported = true;
                self.report(&Report::NotStarted { exec, failure }, &[]);
            }
        }
    }

    fn signal(&self, exec: u32, signal: i32) {
        if let Some(command) = self.commands.iter().find(|command| command.exec == exec) {
            // A command that has only just been forked leads no group yet; it will see the signal.
            if !send(Pid::from_raw(-command.pid.as_raw()), signal) {
                send(command.pid, signal);
            }
        }
    }

    /// Reaps whatever has died; the orphans of all commands are init's children.
    fn reap(&mut self) {
        while let Ok(Some(signal)) = self.wake.read_signal() {
            self.over |= signal.ssi_signo != Signal::SIGCHLD as u32;
        }
        let mut dead = Vec::new();
        let alone = loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => dead.push((Pid::from_raw(pid.as_raw_nonzero().get()), status)),
                Ok(None) => break false,
                Err(error) => break error == rustix::io::Errno::CHILD,
            }
        };
        for (pid, status) in dead {
            let signal = status.terminating_signal().map(ExitStatus::Signal);
            if let Some(status) = status.exit_status().map(ExitStatus::Code).or(signal) {
                self.reaped(pid, status, alone);
            }
        }
    }

    fn reaped(&mut self, pid: Pid, status: ExitStatus, alone: bool) {
        let Some(index) = self.commands.iter().position(|command| command.pid == pid) else {
            self.living.iter_mut().for_each(|living| living.has_ended(pid, status));
            return;
        };
        self.finish_start(index);
        let command = self.commands.swap_remove(index);
        self.over |= command.last;
        self.alone = alone;
        if !command.reported {
            let (exec, over) = (command.exec, self.over && alone);
            // An init that goes on may have a child of its own.
            let alone = alone || (self.living.is_some() && self.others_alive() == 0);
            let (usage, others) = (usage(), self.others(status));
            self.report(&Report::Exited { exec, status, usage, others, over, alone }, &[]);
        }
    }

    /// How many processes a command that failed left: as many as there may be say why it did. Later is too
    /// late, as they end with init.
    fn others(&self, status: ExitStatus) -> u64 {
        if status == ExitStatus::Code(0) { 0 } else { self.family.count() }
    }

    /// Before anything else that is reported.
    fn report_standing(&mut self) {
        let Some(Standing { guards, kept }) = self.standing.take() else { return };
        let (shown, descriptors) = kept.shown();
        self.report(&Report::Ready { guards, shown }, &descriptors);
    }

    fn report(&mut self, report: &Report, descriptors: &[BorrowedFd<'_>]) {
        self.report_standing();
        // A supervisor that is gone is noticed as a hang-up.
        let _ = self.supervisor.send(report, descriptors);
    }
}

impl Starting {
    /// Takes what is there, and waits if nothing is; false at the end.
    fn hear(&mut self) -> bool {
        let mut words = [0; 4096];
        let count = rustix::io::read(&self.pipe, &mut words).unwrap_or(0);
        self.told.extend_from_slice(&words[..count]);
        count > 0
    }
}

/// Nobody waits for init meanwhile: there is no other command that a signal could be for. What the
/// command leaves in init's memory is no loss, since it is the last.
fn in_init_s_memory(command: impl Fn()) -> io::Result<Pid> {
    vfork(command)
}

fn in_a_copy(command: impl Fn()) -> io::Result<Pid> {
    match fork()? {
        Forked::Child => {
            command();
            exit(125)
        }
        Forked::Parent { child, .. } => Ok(child),
    }
}

/// How often init looks whether those that it killed are gone, and how long it waits for a death each time.
const LOOKS: u32 = 5000;
const LOOK_AGAIN: u16 = 1;

/// What `poll` found.
struct Ready {
    asked: bool,
    woken: bool,
    telling: Vec<usize>,
}

fn filter(program: &[(u16, u8, u8, u32)]) -> BpfProgram {
    program.iter().map(|&(code, jt, jf, k)| sock_filter { code, jt, jf, k }).collect()
}

fn guards(words: Vec<Word>) -> Result<Vec<GuardReport>, Failure> {
    words
        .into_iter()
        .map(|word| match word {
            Word::Guard(report) => Ok(report),
            Word::Failed(failure) => Err(failure),
        })
        .collect()
}

/// Whether somebody was there to be signalled.
fn send(to: Pid, signal: i32) -> bool {
    Signal::try_from(signal).and_then(|signal| kill(to, signal)).is_ok()
}

/// What `getrusage(2)` counts in.
const BLOCK: u64 = 512;

fn usage() -> Usage {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeVal;
    let microseconds = |time: TimeVal| time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64;
    getrusage(UsageWho::RUSAGE_CHILDREN).map_or_else(
        |_| Usage::default(),
        |used| Usage {
            user_us: microseconds(used.user_time()),
            system_us: microseconds(used.system_time()),
            peak_process_memory: used.max_rss() as u64 * 1024,
            read_bytes: used.block_reads() as u64 * BLOCK,
            written_bytes: used.block_writes() as u64 * BLOCK,
        },
    )
}
