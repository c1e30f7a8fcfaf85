//! From a request to a running program.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use nix::errno::Errno;
use nix::unistd::Pid;

use super::Server;
use crate::channel::{Report, Usage, unframe};
use crate::confine::{Ends, Word, become_command, exit};
use crate::error::{AtStage as _, Failure, Stage};
use crate::guard::GuardReport;
use crate::mark;
use crate::program::Program;
use crate::seccomp::observes;
use crate::spec::{ExecSpec, Resource};
use crate::stdio::Streams;
use crate::sys::{Forked, fork, vfork};

/// So many descriptors come along with every command.
const STREAMS: usize = 3;

/// A command that has not been reaped.
pub(super) struct Command {
    pub(super) exec: u32,
    /// None where the zygote has yet to begin it.
    pub(super) pid: Option<Pid>,
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
    pub(super) fn start(&mut self, spec: ExecSpec, handed: Vec<OwnedFd>) {
        let exec = spec.id;
        match self.start_command(spec, handed) {
            Ok(command) => {
                self.has_begun = true;
                self.commands.push(command);
                self.report_standing();
            }
            Err(failure) => self.report(&Report::NotStarted { exec, failure }, &[]),
        }
    }

    fn start_command(&mut self, mut spec: ExecSpec, mut handed: Vec<OwnedFd>) -> Result<Command, Failure> {
        self.look_anew()?;
        if self.living.is_some() {
            leave_room(&mut spec);
        }
        let leaf = if handed.len() > STREAMS { handed.pop() } else { None };
        let (streams, terminal) = Streams::open(handed, spec.terminal)?;
        let mark = if spec.last { None } else { Some(self.mark_for(spec.id)?) };
        let (exec, last) = (spec.id, spec.last);
        let (starting, tell) = Starting::new()?;
        // The zygote has given up what it takes to enter a leaf.
        let ours =
            if leaf.is_some() { Some((spec, streams)) } else { self.order(spec, mark, streams, &tell) };
        let pid = match ours {
            None => None,
            Some((spec, streams)) => {
                let (supervisor, program) = (self.supervisor, Program::of(&spec));
                let ends = Ends { told: &tell, supervisor, leaf: leaf.as_ref(), mark, program };
                Some(self.begin(&spec, &streams, &ends)?)
            }
        };
        let (reported, used) = (false, Usage::default());
        Ok(Command { exec, pid, starting: Some(starting), mark, terminal, last, reported, used })
    }

    /// Without one of its own a command would be ended with others.
    fn mark_for(&self, exec: u32) -> Result<u64, Failure> {
        let mark = mark::of(self.highest_mark, exec).ok_or(Errno::ERANGE);
        mark.at(Stage::Limits, || format!("a mark below RLIMIT_RTTIME for exec {exec}"))
    }

    fn begin(&self, spec: &ExecSpec, streams: &Streams, ends: &Ends<'_>) -> Result<Pid, Failure> {
        let command = || become_command(spec, &self.confinement, streams, ends);
        // To enter a leaf may take the kernel 10 ms.
        let may_lend_memory = ends.leaf.is_none() && self.may_lend_memory(spec);
        let pid = if may_lend_memory { in_init_s_memory(command) } else { in_a_copy(command) };
        pid.at(Stage::Clone, || "fork()".into())
    }

    /// Begins a command that the zygote was to begin.
    pub(super) fn begin_in_a_copy(
        &self,
        spec: &ExecSpec,
        streams: &Streams,
        mark: Option<u64>,
    ) -> Result<(Pid, Starting), Failure> {
        let (starting, tell) = Starting::new()?;
        let (supervisor, program) = (self.supervisor, Program::of(spec));
        let ends = Ends { told: &tell, supervisor, leaf: None, mark, program };
        let pid = in_a_copy(|| become_command(spec, &self.confinement, streams, &ends));
        Ok((pid.at(Stage::Clone, || "fork()".into())?, starting))
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
    pub(super) fn listen(&mut self, exec: u32) {
        let Some(index) = self.commands.iter().position(|command| command.exec == exec) else { return };
        if let Some(starting) = &mut self.commands[index].starting
            && starting.hear() == Heard::TheEnd
        {
            self.finish_start(index);
        }
    }

    /// The command has become its program, or has died. It is another one if init begins it anew.
    pub(super) fn finish_start(&mut self, index: usize) {
        let command = &mut self.commands[index];
        let (exec, mark) = (command.exec, command.mark);
        let Some(mut starting) = command.starting.take() else {
            return;
        };
        while starting.hear() == Heard::Something {}
        let told = unframe(&starting.told).at(Stage::Channel, || "read(command)".into());
        let heard = match told {
            Ok(words) => self.hear_out(exec, words),
            Err(failure) => Some(Err(failure)),
        };
        let Some(heard) = heard else { return };
        let command = &mut self.commands[index];
        match heard {
            Ok(guards) => {
                let started = Report::Started { exec, guards, mark };
                if self.living.is_some() && command.terminal.is_none() {
                    return self.report_later(&started);
                }
                self.tell_held();
                let terminal = self.commands[index].terminal.as_ref().map(|terminal| terminal.as_fd());
                // Nothing comes before what is told of the sandbox itself, which a command's start has told.
                let _ = self.supervisor.send(&started, terminal.as_slice());
            }
            Err(failure) => {
                command.reported = true;
                self.report(&Report::NotStarted { exec, failure }, &[]);
            }
        }
    }
}

/// What a starting command tells.
#[derive(PartialEq, Eq)]
enum Heard {
    Something,
    /// As yet.
    Nothing,
    TheEnd,
}

impl Starting {
    /// And the other end of its pipe. Nobody waits at ours: while the zygote has the other one too, who tells may be gone
    /// before that is closed.
    fn new() -> Result<(Self, OwnedFd), Failure> {
        let pipe = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC);
        let (pipe, tell) = pipe.at(Stage::Channel, || "pipe2(O_CLOEXEC)".into())?;
        rustix::io::ioctl_fionbio(&pipe, true).at(Stage::Channel, || "ioctl(FIONBIO)".into())?;
        Ok((Self { pipe, told: Vec::new() }, tell))
    }

    /// Takes what is there.
    fn hear(&mut self) -> Heard {
        let mut words = [0; 4096];
        match rustix::io::read(&self.pipe, &mut words) {
            Ok(0) => Heard::TheEnd,
            Ok(count) => {
                self.told.extend_from_slice(&words[..count]);
                Heard::Something
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Heard::Nothing,
            Err(_) => Heard::TheEnd,
        }
    }
}

/// Of the processes that a command may have besides itself and init the zygote is none.
fn leave_room(spec: &mut ExecSpec) {
    let processes = spec.limits.iter_mut().filter(|limit| limit.resource == Resource::Processes);
    processes.for_each(|limit| limit.value = limit.value.saturating_add(1));
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

/// What became of its guards, or why there is no command.
pub(super) fn guards(words: Vec<Word>) -> Result<Vec<GuardReport>, Failure> {
    words
        .into_iter()
        .map(|word| match word {
            Word::Guard(report) => Ok(report),
            Word::Failed(failure) => Err(failure),
        })
        .collect()
}
