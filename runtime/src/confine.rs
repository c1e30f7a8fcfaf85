//! What the kernel is told between the fork of a command and its `execve`, in order.

use std::io;
use std::os::fd::OwnedFd;

use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use seccompiler::BpfProgram;

use crate::channel::frame;
use crate::error::{AtStage as _, Failure, Stage};
use crate::guard::{Guard, GuardReport};
use crate::landlock::Domain;
use crate::spec::{ExecSpec, SandboxSpec};
use crate::stdio::Streams;
use crate::sys::reset_signal_dispositions;
use crate::{capabilities, descriptors, program, rlimits};

/// What init prepared for every command.
pub(crate) struct Confinement<'a> {
    pub(crate) sandbox: &'a SandboxSpec,
    pub(crate) domain: Option<Domain>,
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

/// Confines the calling process and executes the command. `told` is closed on exec, so end-of-file
/// without a failure means that the program runs.
pub(crate) fn become_command(
    spec: &ExecSpec,
    confinement: Confinement<'_>,
    streams: Streams,
    told: OwnedFd,
) -> ! {
    let told = Told(told);
    let Err(failure) = confine_and_execute(spec, confinement, streams, &told);
    told.say(&Word::Failed(failure));
    exit(125)
}

/// The order matters: what needs a capability comes before they are dropped, what opens a path
/// before Landlock, and the filter last, since it refuses much of what stands above it.
fn confine_and_execute(
    spec: &ExecSpec,
    mut confinement: Confinement<'_>,
    streams: Streams,
    told: &Told,
) -> Result<std::convert::Infallible, Failure> {
    default_signals()?;
    new_session()?;
    streams.install()?;
    change_directory(spec)?;
    told.guard(&confinement, Guard::Rlimits, "setrlimit", rlimits::apply(&spec.limits))?;
    told.guard(
        &confinement,
        Guard::Capabilities,
        "all sets empty, securebits locked",
        capabilities::drop_all(),
    )?;
    told.guard(&confinement, Guard::NoNewPrivs, "prctl", no_new_privs())?;
    enter_domain(&mut confinement, told)?;
    told.guard(&confinement, Guard::Descriptors, "0, 1 and 2 only", descriptors::close_on_exec())?;
    load_filter(&confinement, told)?;
    program::execute(spec)
}

/// Init blocks all signals, and dispositions that were ignored stay so across `execve(2)`.
fn default_signals() -> Result<(), Failure> {
    reset_signal_dispositions();
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
        .at(Stage::Execute, || "sigprocmask(none)".into())
}

fn new_session() -> Result<(), Failure> {
    nix::unistd::setsid().map(drop).at(Stage::Execute, || "setsid()".into())
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

fn no_new_privs() -> Result<(), Failure> {
    rustix::thread::set_no_new_privs(true).at(Stage::Execute, || "prctl(PR_SET_NO_NEW_PRIVS)".into())
}

fn enter_domain(confinement: &mut Confinement<'_>, told: &Told) -> Result<(), Failure> {
    let Some(domain) = confinement.domain.take() else {
        return Ok(());
    };
    let how = format!("ABI {}", domain.abi);
    told.guard(confinement, Guard::Landlock, &how, domain.enter())
}

fn load_filter(confinement: &Confinement<'_>, told: &Told) -> Result<(), Failure> {
    let how = format!("{} instructions, default deny", confinement.filter.len());
    let loaded = seccompiler::apply_filter(&confinement.filter)
        .map_err(|error| match error {
            seccompiler::Error::Prctl(cause) | seccompiler::Error::Seccomp(cause) => cause,
            _ => io::Error::from_raw_os_error(libc::EINVAL),
        })
        .at(Stage::Seccomp, || "seccomp(SECCOMP_SET_MODE_FILTER)".into());
    told.guard(confinement, Guard::Seccomp, &how, loaded)
}

/// The pipe to init.
struct Told(OwnedFd);

impl Told {
    /// Tells what became of a guard; a missing one is fatal unless the spec can do without it.
    fn guard(
        &self,
        confinement: &Confinement<'_>,
        guard: Guard,
        how: &str,
        result: Result<(), Failure>,
    ) -> Result<(), Failure> {
        match result {
            Ok(()) => self.say(&Word::Guard(GuardReport::enforced(guard, how))),
            Err(failure) if confinement.sandbox.best_effort.contains(&guard) => {
                self.say(&Word::Guard(GuardReport::missing(guard, failure.to_string())));
            }
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    fn say(&self, word: &Word) {
        // Init being gone means that this process is about to be killed too.
        let _ = frame(word).map(|bytes| rustix::io::write(&self.0, &bytes));
    }
}

/// Leaves without running what the supervisor registered for its own end.
pub(crate) fn exit(code: i32) -> ! {
    crate::sys::exit_now(code)
}
