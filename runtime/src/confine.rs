//! What the kernel is told between the fork of a command and its `execve`, in order.

use std::convert::Infallible;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

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

/// Whom a command talks to on its way. Both are closed on exec.
pub(crate) struct Ends<'a> {
    /// Init; end-of-file without a failure means that the program runs.
    pub(crate) told: &'a OwnedFd,
    /// Init's own end.
    pub(crate) supervisor: &'a Channel,
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
    let mut told = Told { pipe: ends.told.as_fd(), supervisor: ends.supervisor, words: Vec::new() };
    let Err(failure) = confine_and_execute(spec, confinement, streams, ends, &mut told);
    told.note(&Word::Failed(failure));
    told.say();
    exit(125)
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
        told.guard(sandbox, Guard::Landlock, &format!("ABI {}", domain.abi), domain.enter())?;
    }
    told.guard(sandbox, Guard::Descriptors, "0, 1 and 2 only", shut_descriptors(spec, told))?;
    load_filter(sandbox, filter, spec, told)?;
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

/// What this says is given back before the program is executed, like all that was allocated until then.
fn load_filter(
    sandbox: &SandboxSpec,
    filter: &BpfProgram,
    spec: &ExecSpec,
    told: &mut Told<'_>,
) -> Result<(), Failure> {
    let (how, loaded) = listener::load(filter, spec, told.supervisor);
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
fn unblock_signals() -> Result<(), Failure> {
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
        .at(Stage::Init, || "sigprocmask(none)".into())
}

fn new_session() -> Result<(), Failure> {
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

fn no_new_privs() -> Result<(), Failure> {
    rustix::thread::set_no_new_privs(true).at(Stage::Capabilities, || "prctl(PR_SET_NO_NEW_PRIVS)".into())
}

/// What init is to hear, and the pipe to it. It is said at once: each write would wake init, which
/// then competes with the command for a processor.
struct Told<'a> {
    pipe: BorrowedFd<'a>,
    supervisor: &'a Channel,
    words: Vec<u8>,
}

impl Told<'_> {
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
