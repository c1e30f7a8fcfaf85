//! From a request to a running program.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use nix::unistd::Pid;

use super::Server;
use crate::channel::{Report, Usage, unframe};
use crate::confine::{Ends, Word, become_command, exit};
use crate::error::{AtStage as _, Failure, Stage};
use crate::guard::GuardReport;
use crate::mark;
use crate::program::Program;
use crate::seccomp::observes;
use crate::spec::ExecSpec;
use crate::stdio::Streams;
use crate::sys::{Forked, fork, vfork};

/// A command that has not been reaped.
pub(super) struct Command {
    pub(super) exec: u32,
    pub(super) pid: Pid,
    /// Until the program has been executed.
    pub(super) starting: Option<Starting>,
    /// What its processes have that others have not, where there may be others.
    pub(super) mark: Option<u64>,
    /// The other end of its terminal.
    pub(super) terminal: Option<OwnedFd>,
    /// The sandbox ends with it.
    pub(super) last: bool,
    /// A command that could not be started has been reported already.
    pub(super) reported: bool,
    /// What those of its processes used that init has reaped.
    pub(super) used: Usage,
}

/// A command on its way to `execve(2)`.
pub(super) struct Starting {
    /// What it tells; the end of it is the program, or the command's death.
    pub(super) pipe: OwnedFd,
    told: Vec<u8>,
}

impl Server<'_> {
    pub(super) fn start(&mut self, spec: &ExecSpec, streams: Vec<OwnedFd>) {
        match self.start_command(spec, streams) {
            Ok(command) => {
                self.has_begun = true;
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
        let mark = (!spec.last).then(|| mark::of(self.highest_mark, spec.id));
        let program = Program::of(spec);
        let ends = Ends { told: &tell, supervisor: self.supervisor, mark, program };
        let command = || become_command(spec, &self.confinement, &streams, &ends);
        let pid = if self.may_lend_memory(spec) { in_init_s_memory(command) } else { in_a_copy(command) };
        let pid = pid.at(Stage::Clone, || "fork()".into())?;
        let starting = Some(Starting { pipe: listen, told: Vec::new() });
        let (exec, last, reported, used) = (spec.id, spec.last, false, Usage::default());
        Ok(Command { exec, pid, starting, mark, terminal, last, reported, used })
    }

    /// Init stands still until a command that has its memory has become a program. So nobody may be there who could
    /// stop that command, or whom a signal could be for; and no program may have to be looked at first, by a
    /// supervisor who may be waiting for init. A sandbox ends with its last command, and with what it waits for.
    fn may_lend_memory(&self, spec: &ExecSpec) -> bool {
        let is_alone = !self.has_begun && !observes(&self.confinement.filter);
        spec.function.is_none() && (spec.last || is_alone)
    }

    /// Takes what a starting command has told so far, and no more: one that is stopped on its way
    /// waits for a signal that only init can pass on.
    pub(super) fn listen(&mut self, index: usize) {
        let Some(starting) = &mut self.commands[index].starting else {
            return;
        };
        if !starting.hear() {
            self.finish_start(index);
        }
    }

    /// The command has become its program, or has died.
    pub(super) fn finish_start(&mut self, index: usize) {
        let command = &mut self.commands[index];
        let Some(mut starting) = command.starting.take() else {
            return;
        };
        while starting.hear() {}
        let (exec, mark) = (command.exec, command.mark);
        let told = unframe(&starting.told).at(Stage::Channel, || "read(command)".into());
        match told.and_then(guards) {
            Ok(guards) => {
                let command = &self.commands[index];
                let terminal: Vec<BorrowedFd<'_>> = command.terminal.iter().map(|fd| fd.as_fd()).collect();
                // Nothing comes before what is told of the sandbox itself, which a command's start has told.
                let _ = self.supervisor.send(&Report::Started { exec, guards, mark }, &terminal);
            }
            Err(failure) => {
                command.reported = true;
                self.report(&Report::NotStarted { exec, failure }, &[]);
            }
        }
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

/// The command leaves nothing in init's memory: what it allocates it gives back before it executes its program.
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

fn guards(words: Vec<Word>) -> Result<Vec<GuardReport>, Failure> {
    words
        .into_iter()
        .map(|word| match word {
            Word::Guard(report) => Ok(report),
            Word::Failed(failure) => Err(failure),
        })
        .collect()
}
