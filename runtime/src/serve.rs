//! What init does once the sandbox stands: starts commands, reaps, passes signals on, reports.

use std::io::Read as _;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::channel::{Channel, ExitStatus, Report, Request, Usage, unframe};
use crate::confine::{Confinement, Word, become_command};
use crate::error::{AtStage as _, Failure, Stage};
use crate::guard::GuardReport;
use crate::spec::ExecSpec;
use crate::stdio::Streams;
use crate::sys::{Forked, fork};

/// Init at work.
pub(crate) struct Server<'a> {
    supervisor: Channel,
    confinement: Confinement<'a>,
    deaths: SignalFd,
    commands: Vec<Command>,
}

/// A command that has not been reaped.
struct Command {
    exec: u32,
    pid: Pid,
    /// Until it ends, the program has not been executed; with it the terminal to hand out.
    starting: Option<(OwnedFd, Option<OwnedFd>)>,
    /// A command that could not be started has been reported already.
    reported: bool,
}

impl<'a> Server<'a> {
    pub(crate) fn new(supervisor: Channel, confinement: Confinement<'a>) -> Result<Self, Failure> {
        let mut only = SigSet::empty();
        only.add(Signal::SIGCHLD);
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let deaths = SignalFd::with_flags(&only, flags).at(Stage::Init, || "signalfd(SIGCHLD)".into())?;
        Ok(Self { supervisor, confinement, deaths, commands: Vec::new() })
    }

    /// Serves until the supervisor hangs up; what it returns is init's exit code.
    pub(crate) fn serve(mut self) -> i32 {
        loop {
            let Ok(ready) = self.wait() else { return 125 };
            for index in ready.started {
                self.finish_start(index);
            }
            if ready.died {
                self.reap();
            }
            if ready.asked && !self.answer() {
                return 0;
            }
        }
    }

    fn wait(&self) -> Result<Ready, Errno> {
        let starting: Vec<(usize, BorrowedFd<'_>)> = self
            .commands
            .iter()
            .enumerate()
            .filter_map(|(index, command)| Some((index, command.starting.as_ref()?.0.as_fd())))
            .collect();
        let fixed = [self.supervisor.as_fd(), self.deaths.as_fd()];
        let mut polled: Vec<PollFd<'_>> = fixed
            .into_iter()
            .chain(starting.iter().map(|(_, pipe)| *pipe))
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        poll(&mut polled, PollTimeout::NONE)?;
        let ready: Vec<bool> = polled.iter().map(|fd| fd.any().unwrap_or(true)).collect();
        let started =
            starting.iter().zip(&ready[2..]).filter(|(_, ready)| **ready).map(|((index, _), _)| *index);
        Ok(Ready { asked: ready[0], died: ready[1], started: started.collect() })
    }

    /// Carries out one request; false when the supervisor has hung up or cannot be understood.
    fn answer(&mut self) -> bool {
        match self.supervisor.receive() {
            Ok(Some((Request::Exec(spec), streams))) => self.start(&spec, streams),
            Ok(Some((Request::Signal { exec, signal }, _))) => self.signal(exec, signal),
            Ok(Some((Request::SignalAll { signal }, _))) => {
                send(Pid::from_raw(-1), signal);
            }
            Ok(Some((Request::MapsWritten, _))) => {}
            Ok(None) | Err(_) => return false,
        }
        true
    }

    fn start(&mut self, spec: &ExecSpec, streams: Vec<OwnedFd>) {
        match self.fork_command(spec, streams) {
            Ok(command) => self.commands.push(command),
            Err(failure) => self.report(&Report::NotStarted { exec: spec.id, failure }, &[]),
        }
    }

    fn fork_command(&self, spec: &ExecSpec, streams: Vec<OwnedFd>) -> Result<Command, Failure> {
        let (streams, terminal) = Streams::open(streams, spec.terminal)?;
        let (listen, tell) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)
            .at(Stage::Execute, || "pipe2(O_CLOEXEC)".into())?;
        let domain = self.confinement.domain.as_ref().map(|domain| domain.try_clone()).transpose()?;
        match fork().at(Stage::Execute, || "fork()".into())? {
            Forked::Child => {
                let Confinement { sandbox, filter, .. } = &self.confinement;
                let confinement = Confinement { sandbox, domain, filter: filter.clone() };
                become_command(spec, confinement, streams, tell)
            }
            Forked::Parent { child: pid, .. } => {
                Ok(Command { exec: spec.id, pid, starting: Some((listen, terminal)), reported: false })
            }
        }
    }

    /// The pipe of a starting command has something to read: all of it comes at once, since the
    /// command is on the way to its `execve(2)` or its end.
    fn finish_start(&mut self, index: usize) {
        let command = &mut self.commands[index];
        let Some((pipe, terminal)) = command.starting.take() else {
            return;
        };
        let mut words = Vec::new();
        let read = std::fs::File::from(pipe).read_to_end(&mut words);
        let exec = command.exec;
        match read
            .and_then(|_| unframe(&words))
            .at(Stage::Channel, || "read(command)".into())
            .and_then(guards)
        {
            Ok(guards) => {
                let terminal: Vec<BorrowedFd<'_>> = terminal.iter().map(|fd| fd.as_fd()).collect();
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
        while let Ok(Some(_)) = self.deaths.read_signal() {}
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) {
            match status {
                WaitStatus::Exited(pid, code) => self.reaped(pid, ExitStatus::Code(code)),
                WaitStatus::Signaled(pid, signal, _) => self.reaped(pid, ExitStatus::Signal(signal as i32)),
                WaitStatus::StillAlive => return,
                _ => {}
            }
        }
    }

    fn reaped(&mut self, pid: Pid, status: ExitStatus) {
        let Some(index) = self.commands.iter().position(|command| command.pid == pid) else {
            return;
        };
        self.finish_start(index);
        let command = self.commands.swap_remove(index);
        if !command.reported {
            self.report(&Report::Exited { exec: command.exec, status, usage: usage() }, &[]);
        }
    }

    fn report(&self, report: &Report, descriptors: &[BorrowedFd<'_>]) {
        // A supervisor that is gone is noticed as a hang-up.
        let _ = self.supervisor.send(report, descriptors);
    }
}

/// What `poll` found.
struct Ready {
    asked: bool,
    died: bool,
    started: Vec<usize>,
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
        },
    )
}
