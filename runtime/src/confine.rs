//! What the kernel is told between the fork of a command and its `execve`, in order.

use std::convert::Infallible;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};

use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use rustix::fs::Mode;
use seccompiler::BpfProgram;

use crate::channel::{Channel, frame};
use crate::error::{AtStage as _, Failure, Stage};
use crate::guard::{Guard, GuardReport};
use crate::landlock::Domain;
use crate::program::Program;
use crate::spec::{ExecSpec, SandboxSpec, User};
use crate::stdio::Streams;
use crate::sys::landlock_restrict_self;
use crate::{capabilities, descriptors, function, listener, mark, rlimits, script, user};

/// What init prepared for every command.
pub(crate) struct Confinement<'a> {
    pub(crate) sandbox: &'a SandboxSpec,
    pub(crate) domain: Option<Domain>,
    /// Whom a command is to become; init's ids are right where a user namespace gave them.
    pub(crate) user: Option<User>,
    /// An empty one does not load.
    pub(crate) filter: BpfProgram,
}

/// What a command tells init before it is replaced by its program.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Word {
    /// What became of a guard.
    Guard(GuardReport),
    /// Why there will be no command.
    Failed(Failure),
}

/// Whom a command talks to on its way, and where it goes. All are closed on exec.
pub(crate) struct Ends<'a> {
    /// Init; end-of-file without a failure means that the program runs.
    pub(crate) told: &'a OwnedFd,
    /// Init's own end.
    pub(crate) supervisor: &'a Channel,
    /// The entrance to the leaf that it is to be in, if that is not init's.
    pub(crate) leaf: Option<&'a OwnedFd>,
    /// What tells this command's processes from those of others, where there may be others.
    pub(crate) mark: Option<u64>,
    /// What takes its place.
    pub(crate) program: Program<'a>,
}

/// Confines the calling process and executes the command.
///
/// It may have init's own memory, and so leaves what it is given as it was.
pub(crate) fn become_command(
    spec: &ExecSpec,
    confinement: &Confinement<'_>,
    streams: &Streams,
    ends: &Ends<'_>,
) -> ! {
    let mut told = Told::by(ends.told);
    let Err(failure) = confine_and_execute(spec, confinement, streams, ends, &mut told);
    told.end(failure)
}

/// The order matters: what needs a capability comes before they are dropped, what opens a path
/// before Landlock, and the filter last, since it refuses much of what stands above it.
fn confine_and_execute(
    spec: &ExecSpec,
    confinement: &Confinement<'_>,
    streams: &Streams,
    ends: &Ends<'_>,
    told: &mut Told<'_>,
) -> Result<Infallible, Failure> {
    let Confinement { sandbox, domain, user, filter } = confinement;
    let function = spec.function.map(function::find).transpose()?;
    ends.leaf.map_or(Ok(()), enter_leaf)?;
    unblock_signals()?;
    take_umask(spec);
    new_session()?;
    streams.install()?;
    change_directory(spec)?;
    take_mark(ends.mark)?;
    told.guard(sandbox, Guard::Rlimits, "setrlimit", rlimits::apply(&spec.limits))?;
    let (how, dropped) = drop_capabilities(*user);
    told.guard(sandbox, Guard::Capabilities, how, dropped)?;
    told.guard(sandbox, Guard::NoNewPrivs, "prctl", no_new_privs())?;
    if let Some(domain) = domain {
        told.guard(sandbox, Guard::Landlock, &abi(domain), domain.enter())?;
    }
    told.guard(sandbox, Guard::Descriptors, ONLY_STANDARD, shut_descriptors(spec, told))?;
    load_filter(sandbox, filter, spec, ends.supervisor, told)?;
    told.say();
    match function {
        None => {
            spec.laid.as_ref().map_or(Ok(()), script::lay)?;
            ends.program.execute()
        }
        Some(function) => {
            told.close();
            function::run(function, spec)
        }
    }
}

/// What a process has taken for good that begins commands (`zygote.rs`), and what it has for each of them.
pub(crate) struct Taken {
    domain: Option<OwnedFd>,
    guards: Vec<GuardReport>,
}

/// A command that such a process begins.
pub(crate) struct Begun<'a> {
    pub(crate) spec: &'a ExecSpec,
    pub(crate) streams: &'a Streams,
    /// Init.
    pub(crate) told: &'a OwnedFd,
    pub(crate) program: Program<'a>,
}

/// Takes in init's place what every command takes for good and what needs nothing of a command, in the order above.
/// Nobody listens to the filter. Each command is to enter the domain whose ruleset this is.
pub(crate) fn take_for_good(
    confinement: &Confinement<'_>,
    ruleset: Option<OwnedFd>,
) -> Result<Taken, Failure> {
    let (dropped_how, dropped) = drop_capabilities(confinement.user);
    dropped?;
    no_new_privs()?;
    let (filtered_how, filtered) = listener::load_unheard(&confinement.filter);
    filtered?;
    let landlock = confinement.domain.as_ref().filter(|_| ruleset.is_some());
    let guards = [
        Some(GuardReport::enforced(Guard::Rlimits, "setrlimit")),
        Some(GuardReport::enforced(Guard::Capabilities, dropped_how)),
        Some(GuardReport::enforced(Guard::NoNewPrivs, "prctl")),
        landlock.map(|domain| GuardReport::enforced(Guard::Landlock, abi(domain))),
        Some(GuardReport::enforced(Guard::Descriptors, ONLY_STANDARD)),
        Some(GuardReport::enforced(Guard::Seccomp, filtered_how)),
    ];
    Ok(Taken { domain: ruleset, guards: guards.into_iter().flatten().collect() })
}

impl Taken {
    /// What becomes of the guards of each command, of which none may be missing.
    pub(crate) fn guards(&self) -> &[GuardReport] {
        &self.guards
    }
}

/// Confines the calling process, which has what was taken for good, and executes the command. It has its maker's
/// memory, and leaves that as it was.
pub(crate) fn become_begun(command: &Begun<'_>, taken: &Taken) -> ! {
    let Err(failure) = go_on_and_execute(command, taken);
    Told::by(command.told).end(failure)
}

/// What is left of the list above. What the filter or anything else refuses is the end of the command; the mark is
/// there. Nothing is told of what was done, since that is known.
fn go_on_and_execute(command: &Begun<'_>, taken: &Taken) -> Result<Infallible, Failure> {
    let Begun { spec, streams, program, .. } = command;
    unblock_signals()?;
    take_umask(spec);
    new_session()?;
    streams.install()?;
    change_directory(spec)?;
    rlimits::apply(&spec.limits)?;
    taken.domain.as_ref().map_or(Ok(()), enter)?;
    descriptors::close_on_exec()?;
    spec.laid.as_ref().map_or(Ok(()), script::lay)?;
    program.execute()
}

/// How descriptors are kept from a command.
const ONLY_STANDARD: &str = "0, 1 and 2 only";

fn abi(domain: &Domain) -> String {
    format!("ABI {}", domain.abi)
}

fn enter(ruleset: &OwnedFd) -> Result<(), Failure> {
    landlock_restrict_self(ruleset.as_raw_fd()).at(Stage::Landlock, || "landlock_restrict_self".into())
}

/// It is the root of the command's cgroup namespace, as init's own group is of init's.
fn enter_leaf(entrance: &OwnedFd) -> Result<(), Failure> {
    rustix::io::write(entrance, b"0").at(Stage::Limits, || "write(\"cgroup.procs\", 0)".into())?;
    unshare(CloneFlags::CLONE_NEWCGROUP).at(Stage::Limits, || "unshare(CLONE_NEWCGROUP)".into())
}

/// What this says is given back before the program is executed, like all that was allocated until then.
fn load_filter(
    sandbox: &SandboxSpec,
    filter: &BpfProgram,
    spec: &ExecSpec,
    supervisor: &Channel,
    told: &mut Told<'_>,
) -> Result<(), Failure> {
    let (how, loaded) = listener::load(filter, spec, supervisor);
    told.guard(sandbox, Guard::Seccomp, &how, loaded)
}

/// A program loses the others when it is executed. No call does that for a function, and the filter may refuse
/// to close them later.
fn shut_descriptors(spec: &ExecSpec, told: &Told<'_>) -> Result<(), Failure> {
    match spec.function {
        None => descriptors::close_on_exec(),
        Some(_) => descriptors::close_all_but(std::iter::once(told.pipe)),
    }
}

/// Init's own is 0, so that what it makes has the modes that the spec says.
fn take_umask(spec: &ExecSpec) {
    rustix::process::umask(Mode::from_raw_mode(spec.umask));
}

/// Init has default dispositions and blocks all signals, which `execve(2)` would hand on.
pub(crate) fn unblock_signals() -> Result<(), Failure> {
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
        .at(Stage::Init, || "sigprocmask(none)".into())
}

pub(crate) fn new_session() -> Result<(), Failure> {
    nix::unistd::setsid().map(drop).at(Stage::Terminal, || "setsid()".into())
}

fn take_mark(mark: Option<u64>) -> Result<(), Failure> {
    let put = |mark| mark::put(mark).at(Stage::Limits, || format!("setrlimit(RLIMIT_RTTIME, {mark})"));
    mark.map_or(Ok(()), put)
}

/// Enters the working directory and looks where it led: a leaked descriptor or a link must not put
/// the command outside the root (CVE-2024-21626). `getcwd(2)` says so with "(unreachable)".
fn change_directory(spec: &ExecSpec) -> Result<(), Failure> {
    let describe = || format!("chdir({:?})", spec.cwd);
    nix::unistd::chdir(spec.cwd.as_c_str()).at(Stage::WorkingDirectory, describe)?;
    let there = nix::unistd::getcwd().at(Stage::WorkingDirectory, || "getcwd()".into())?;
    if !there.is_absolute() {
        return Err(io::Error::from_raw_os_error(libc::EXDEV)).at(Stage::WorkingDirectory, describe);
    }
    Ok(())
}

/// A change of ids resets the parent-death signal, so that comes after; a command that init leaves is nobody's.
fn drop_capabilities(user: Option<User>) -> (&'static str, Result<(), Failure>) {
    let Some(user) = user else { return ("all sets empty, securebits locked", capabilities::drop_all()) };
    let mortal = || {
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)
            .at(Stage::Init, || "prctl(PR_SET_PDEATHSIG, SIGKILL)".into())
    };
    match user::assume(user) {
        Ok(how) => (how, mortal()),
        Err(failure) => ("", Err(failure)),
    }
}

pub(crate) fn no_new_privs() -> Result<(), Failure> {
    rustix::thread::set_no_new_privs(true).at(Stage::Capabilities, || "prctl(PR_SET_NO_NEW_PRIVS)".into())
}

/// What init is to hear, and the pipe to it. It is said at once: each write would wake init, which
/// then competes with the command for a processor.
struct Told<'a> {
    pipe: BorrowedFd<'a>,
    words: Vec<u8>,
}

impl<'a> Told<'a> {
    fn by(pipe: &'a OwnedFd) -> Self {
        Self { pipe: pipe.as_fd(), words: Vec::new() }
    }

    /// There will be no command.
    fn end(&mut self, failure: Failure) -> ! {
        self.note(&Word::Failed(failure));
        self.say();
        exit(125)
    }

    /// Notes what became of a guard; a missing one is fatal unless the spec can do without it.
    fn guard(
        &mut self,
        sandbox: &SandboxSpec,
        guard: Guard,
        how: &str,
        result: Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.note(&Word::Guard(GuardReport::of(guard, how, result, &sandbox.best_effort)?));
        Ok(())
    }

    fn note(&mut self, word: &Word) {
        // None of these values can fail to be written to memory.
        let _ = frame(word).map(|frame| self.words.extend(frame));
    }

    /// A pipe holds at least 64 KiB unread, and words are few and short.
    fn say(&mut self) {
        // Init being gone means that this process is about to be killed too.
        let _ = rustix::io::write(self.pipe, &std::mem::take(&mut self.words));
    }

    /// Ends what is told where no `execve(2)` does. Nobody uses the descriptor afterwards.
    fn close(&self) {
        if descriptors::close_all_but(std::iter::empty()).is_err() {
            // A function that could still talk to init is none.
            exit(125)
        }
    }
}

/// Leaves without running what the supervisor registered for its own end.
pub(crate) fn exit(code: i32) -> ! {
    crate::sys::exit_now(code)
}
