//! The supervisor's side of a sandbox.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::birth::Init;
use crate::cgroup::{Group, Leaf, Limits, Settling};
use crate::channel::{Channel, DESCRIPTORS, Report, Request, Shown, is_hang_up};
use crate::error::{AtStage as _, Failure, Stage};
use crate::mapped::MappedMounts;
use crate::mark;
use crate::seccomp;
use crate::spec::{Birth, ExecSpec, Identity, Mount, Others, Remount, SandboxSpec, Source};

/// File systems of a sandbox, which may have ended.
///
/// The last to close an overlay pays for all that was looked up in it, up to a tenth of a second: not
/// for somebody who waits.
#[derive(Debug, Default)]
pub struct Kept {
    /// The top of its memory, with `NAME.upper` for each layer; none when it has no layer there.
    pub memory: Option<OwnedFd>,
    /// Files and directories that were in its memory before there was a command.
    pub files: u64,
    /// The top of its procfs: its processes, by their ids inside.
    pub processes: Option<OwnedFd>,
    /// Its table of System V shared memory, as `/proc/sysvipc/shm` has it.
    pub segments: Option<OwnedFd>,
    /// The same of semaphores, `/proc/sysvipc/sem`.
    pub semaphores: Option<OwnedFd>,
    /// The same of message queues, `/proc/sysvipc/msg`.
    pub messages: Option<OwnedFd>,
    /// Its overlays.
    pub overlays: Vec<OwnedFd>,
    /// A process that works for init, by its id inside: none of a command's.
    pub zygote: Option<u32>,
    /// The mark of others that do ([`crate::mark_in_limits`]), in a sandbox that lives on.
    pub own_mark: Option<u64>,
    /// Init on its way out, where no other process was left: none that could still change anything.
    /// Dropping it waits.
    pub(crate) init: Option<Init>,
}

/// A live sandbox. Dropping it ends every process in it.
pub struct Sandbox {
    /// Before init: one that waits for a word ends its family when there will be none.
    channel: Channel,
    init: Init,
    /// In its user namespace, if it has one.
    identity: Option<Identity>,
    kept: Kept,
    /// Init has told the end of the last process, and ends.
    over: bool,
    /// Until init is in its group no command may start.
    settling: Option<Settling>,
}

impl Kept {
    /// Which there are, and all of them in the order in which they travel.
    pub(crate) fn shown(&self) -> (Shown, Vec<BorrowedFd<'_>>) {
        let Self { memory, files, processes, segments, semaphores, messages, overlays, .. } = self;
        let shown = Shown {
            memory: memory.is_some(),
            files: *files,
            processes: processes.is_some(),
            segments: segments.is_some(),
            semaphores: semaphores.is_some(),
            messages: messages.is_some(),
        };
        let single = [memory, processes, segments, semaphores, messages].into_iter().flatten();
        (shown, single.chain(overlays).map(AsFd::as_fd).collect())
    }

    fn receive(&mut self, shown: Shown, from: &mut impl Iterator<Item = OwnedFd>) {
        let mut next = |there: bool| if there { from.next() } else { None };
        self.memory = next(shown.memory);
        self.files = shown.files;
        self.processes = next(shown.processes);
        self.segments = next(shown.segments);
        self.semaphores = next(shown.semaphores);
        self.messages = next(shown.messages);
        self.overlays.extend(from);
    }
}

impl Sandbox {
    /// Clones init and returns at once; init makes its namespaces meanwhile, and waits for
    /// [`Sandbox::build`]. The calling process must have one thread, or a launcher ([`crate::launcher`]) that
    /// does it. For an init without namespaces that one becomes the adopter of its orphans
    /// (`PR_SET_CHILD_SUBREAPER`).
    ///
    /// A `group` is for this sandbox alone: from here on it is removed should the calling process be
    /// killed. It has limits once [`Sandbox::limit`] has been called. Init keeps none of the caller's
    /// descriptors.
    pub fn launch(birth: &Birth, group: Option<&Group>) -> Result<Self, Failure> {
        let (channel, inits) = Channel::pair().at(Stage::Channel, || "socketpair(AF_UNIX)".into())?;
        let init = Init::born(birth, inits, group.and_then(Group::birthplace))?;
        let identity = match birth {
            Birth::Namespaces(namespaces) => Some(namespaces.identity),
            Birth::Bare(_) => None,
        };
        let kept = Kept::default();
        let mut sandbox = Self { init, channel, identity, kept, over: false, settling: None };
        sandbox.settling = group.map(|group| group.settle(sandbox.init())).transpose()?;
        if let Some(Identity::Shifted { .. }) = identity {
            sandbox.ask(&Request::MapsWritten)?;
        }
        Ok(sandbox)
    }

    /// Sets the limits of the group that the sandbox was launched for (`EINVAL` when for none), beside
    /// init's work or later. What became of each is in [`Group::enforced`].
    pub fn limit(&mut self, group: &mut Group, limits: Limits) -> Result<(), Failure> {
        self.settling.as_ref().ok_or(nix::errno::Errno::EINVAL).at(Stage::Limits, || "limits".into())?;
        group.limit(limits);
        Ok(())
    }

    /// Asks init to put the sandbox together, once, and returns at once; init reports
    /// [`Report::Ready`] or [`Report::Failed`] when it has.
    ///
    /// Init keeps `held` open for as long as it lives: locks.
    pub fn build(&self, spec: &SandboxSpec, held: &[BorrowedFd<'_>]) -> Result<(), Failure> {
        self.build_with(spec, &[], held)
    }

    /// The same of a sandbox whose layers may change while it lives: init keeps `sources` within its reach,
    /// and in nobody else's.
    pub fn build_living(
        &mut self,
        spec: &SandboxSpec,
        sources: &[Source],
        held: &[BorrowedFd<'_>],
    ) -> Result<(), Failure> {
        self.kept.own_mark = mark::of_init();
        self.ask(&Request::Sources(sources.to_owned()))?;
        self.build_with(spec, sources, held)
    }

    fn build_with(
        &self,
        spec: &SandboxSpec,
        sources: &[Source],
        held: &[BorrowedFd<'_>],
    ) -> Result<(), Failure> {
        let mapped = match self.identity {
            Some(identity) => MappedMounts::prepare(&spec.root, sources, identity)?,
            None => MappedMounts::default(),
        };
        let descriptors: Vec<BorrowedFd<'_>> = mapped.descriptors().chain(held.iter().copied()).collect();
        for some in descriptors.chunks(DESCRIPTORS) {
            self.send(&Request::Descriptors, some)?;
        }
        self.send(&RequestRef::Build(spec), &[])?;
        self.send_filter(spec)
    }

    /// Asks init to run a command with these standard streams. May be called before the sandbox is
    /// ready; the command starts when it is. Waits until init is in its group.
    pub fn exec(&self, spec: &ExecSpec, streams: [BorrowedFd<'_>; 3]) -> Result<(), Failure> {
        self.settle()?;
        self.send(&RequestRef::Exec(spec), &streams)
    }

    /// The same of a command that is to be in a leaf of its own.
    pub fn exec_in(&self, leaf: &Leaf, spec: &ExecSpec, streams: [BorrowedFd<'_>; 3]) -> Result<(), Failure> {
        self.settle()?;
        let entrance = leaf.entrance()?;
        let [input, output, error] = streams;
        self.send(&RequestRef::Exec(spec), &[input, output, error, entrance.as_fd()])
    }

    fn settle(&self) -> Result<(), Failure> {
        match self.settling.as_ref().map_or(Ok(false), Settling::wait)? {
            true => self.ask(&Request::Regrouped),
            false => Ok(()),
        }
    }

    /// Sends a signal to the process group that a command leads, or that is in the foreground of its terminal where
    /// the sandbox lives on.
    pub fn signal(&self, exec: u32, signal: i32) -> Result<(), Failure> {
        self.ask(&Request::Signal { exec, signal })
    }

    /// Sends a signal to every process in the sandbox but init.
    pub fn signal_all(&self, signal: i32) -> Result<(), Failure> {
        self.ask(&Request::SignalAll { signal })
    }

    /// Sends a signal to every process of a command, those that it left behind among them. Only commands that the
    /// sandbox does not end with are told apart.
    pub fn signal_exec(&self, exec: u32, signal: i32) -> Result<(), Failure> {
        self.ask(&Request::SignalExec { exec, signal })
    }

    /// Asks init to end every process of a command, and of no other; init answers with [`Report::Ended`].
    pub fn end_exec(&self, exec: u32) -> Result<(), Failure> {
        self.ask(&Request::End { exec })
    }

    /// Asks whether anything but init is alive, and ends it if `others` says so; init answers with
    /// [`Report::Quiet`]. From then on nothing begins that is not asked for.
    pub fn quiet(&self, others: Others) -> Result<(), Failure> {
        self.ask(&Request::Quiet(others))
    }

    /// Asks init to have these overlays made, and no others, for a [`Sandbox::remount`] with the same steps;
    /// there is no answer, and what cannot be made is made then, or fails then. Nobody looks into them before:
    /// what they are made of may still change.
    pub fn prepare(&self, steps: Vec<Mount>) -> Result<(), Failure> {
        self.ask(&Request::Prepare(steps))
    }

    /// Tells init that a command will be asked for, however long that takes: the process that begins it is made now,
    /// where one can be, and kept until then. Init tells of it by [`Report::Zygote`].
    pub fn expect_command(&self) -> Result<(), Failure> {
        self.settle()?;
        self.ask(&Request::Expect)
    }

    /// Asks init to show other layers in a sandbox that was built for it ([`Sandbox::build_living`]). It
    /// answers with [`Report::Remounted`], or fails and ends the sandbox: what is shown is never half of one
    /// and half of the other. What was shown before is unmounted later, by a process of its own.
    pub fn remount(&mut self, remount: &Remount) -> Result<(), Failure> {
        // Or we would be the last to close them, and pay for all that was looked up.
        self.kept.overlays.clear();
        self.ask(&Request::Remount(remount.clone()))
    }

    /// Waits for init's next report, and the terminal that comes with [`Report::Started`] if the
    /// command has one. `None`: init has ended without a word.
    pub fn next_report(&mut self) -> Result<Option<(Report, Option<OwnedFd>)>, Failure> {
        let message = self.channel.receive().at(Stage::Channel, || "receive(Report)".into())?;
        Ok(message.map(|(report, descriptors)| {
            let mut descriptors = descriptors.into_iter();
            match report {
                Report::Ready { shown, .. } => self.kept.receive(shown, &mut descriptors),
                Report::Exited { over, .. } => self.over = over,
                Report::Zygote(process) => self.kept.zygote = process,
                Report::Remounted(_) => self.kept.overlays = descriptors.by_ref().collect(),
                _ => {}
            }
            (report, descriptors.next())
        }))
    }

    /// The file systems that it has; none before [`Report::Ready`].
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Ends every process and hands out the file systems that they had.
    pub fn into_kept(self) -> Kept {
        let Self { channel, init, mut kept, over, .. } = self;
        drop(channel);
        kept.init = over.then_some(init);
        kept
    }

    /// Init's process id in the caller's PID namespace.
    pub fn init(&self) -> u32 {
        self.init.id()
    }

    fn ask(&self, request: &Request) -> Result<(), Failure> {
        self.send(request, &[])
    }

    fn send(&self, request: &impl serde::Serialize, descriptors: &[BorrowedFd<'_>]) -> Result<(), Failure> {
        unless_gone(self.channel.send(request, descriptors)).at(Stage::Channel, || "send(Request)".into())
    }

    /// The filter is compiled here, while init puts the root together.
    fn send_filter(&self, spec: &SandboxSpec) -> Result<(), Failure> {
        let program = seccomp::compile(&spec.syscalls).map_err(|error| Failure {
            stage: Stage::Seccomp,
            action: error.to_string(),
            errno: libc::EINVAL,
        })?;
        self.ask(&Request::Filter(program.iter().map(|step| (step.code, step.jt, step.jf, step.k)).collect()))
    }
}

impl AsFd for Sandbox {
    /// Readable when [`Sandbox::next_report`] will not wait.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}

/// An init that has ended takes no requests, and why it did is in its last report.
fn unless_gone(sent: io::Result<()>) -> io::Result<()> {
    sent.or_else(|error| if is_hang_up(&error) { Ok(()) } else { Err(error) })
}

/// Requests without a copy of what they hold: a command's arguments can be megabytes. In the order of
/// [`Request`], since a variant travels as its number.
#[derive(serde::Serialize)]
#[serde(rename = "Request")]
enum RequestRef<'a> {
    Build(&'a SandboxSpec),
    Exec(&'a ExecSpec),
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::spec::Room;

    #[test]
    fn a_request_without_a_copy_travels_as_the_request_itself() {
        let sandbox = || SandboxSpec {
            hostname: "clearing".into(),
            memory: Room { bytes: 1, inodes: 1 },
            root: Vec::new(),
            landlock: Vec::new(),
            syscalls: Vec::new(),
            best_effort: BTreeSet::new(),
        };
        let exec = || ExecSpec::of(vec![c"true".into()]);
        assert_eq!(travels(&RequestRef::Build(&sandbox())), travels(&Request::Build(sandbox())));
        assert_eq!(travels(&RequestRef::Exec(&exec())), travels(&Request::Exec(exec())));
    }

    fn travels(request: &impl serde::Serialize) -> Vec<u8> {
        postcard::to_stdvec(request).expect("plain data")
    }
}
