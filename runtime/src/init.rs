//! PID 1 of a sandbox: sets it up, then starts commands, reaps, passes signals on and reports.
//!
//! ```text
//!   cloned ──▶ has its ids, its namespaces ──▶ told what to build ──▶ root entered ──▶ Ready ──▶ serving ──▶ gone
//!      └───────────────────┴───── any failure: Failed ──────┴───────────────────────────────────────────────▶ gone
//! ```
//! Serving ends when the supervisor hangs up. With PID 1 the kernel ends every process of the
//! sandbox, and with the last of them its mounts and its network.

use std::os::fd::{AsFd as _, OwnedFd};

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::fs::Mode;
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::DumpableBehavior;

use crate::channel::{Channel, Report, Request};
use crate::confine::{Confinement, exit};
use crate::error::{AtStage as _, Failure, Stage};
use crate::family::{Family, Reach};
use crate::guard::{Guard, GuardReport};
use crate::landlock::{Border, Domain};
use crate::mapped::MappedMounts;
use crate::mounts::{Life, Root};
use crate::processors::Processors;
use crate::procfs::Procfs;
use crate::remount::Living;
use crate::sandbox::Kept;
use crate::serve::{Server, Standing};
use crate::spec::{Identity, Namespaces, Network, SandboxSpec, Source};
use crate::sys::{APART, keyctl_join_session_keyring, reset_signal_dispositions, wipe_environment};
use crate::{descriptors, idmap, namespaces, network, rlimits, ucounts};

/// How the descriptor works that wakes init.
pub(crate) const WAKE: SfdFlags = SfdFlags::SFD_CLOEXEC.union(SfdFlags::SFD_NONBLOCK);

/// The life of init, in the process that `clone3` has just made.
pub(crate) fn run(namespaces: Namespaces, supervisor: Channel, processors: Option<&Processors>) -> ! {
    match live(namespaces, &supervisor, processors) {
        Ok(code) => exit(code),
        Err(failure) => {
            let _ = supervisor.send(&Report::Failed(failure), &[]);
            exit(125)
        }
    }
}

/// Init's exit code.
fn live(
    namespaces: Namespaces,
    supervisor: &Channel,
    processors: Option<&Processors>,
) -> Result<i32, Failure> {
    descriptors::close_all_but([supervisor.as_fd()].into_iter())?;
    let mut guards = be_born(namespaces, supervisor)?;
    let Some(Order { mut spec, mapped, sources, _held }) = take_order(supervisor)? else { return Ok(125) };
    // By now the supervisor has placed init.
    processors.map_or(Ok(()), Processors::restore)?;
    let (kept, living) = set_up(&spec, mapped, sources.as_deref(), &mut guards)?;
    // Done with: some sandboxes live long.
    (spec.root, spec.syscalls) = (Vec::new(), Vec::new());
    let confinement = prepare(&spec, namespaces.network, &mut guards)?;
    let living = living.map(|living| living.under(&spec.landlock, border(namespaces.network))).transpose()?;
    let deaths = SigSet::from_iter([Signal::SIGCHLD, APART]);
    let deaths = SignalFd::with_flags(&deaths, WAKE).at(Stage::Init, || "signalfd(SIGCHLD)".into())?;
    let family = Family { reach: Reach::Namespace, procfs: procfs_of(&kept)? };
    Ok(Server::new(supervisor, confinement, Standing { guards, kept }, deaths, family).living(living).serve())
}

/// Takes what needs no plan: ids, namespaces, and a life that ends with the supervisor's.
fn be_born(namespaces: Namespaces, supervisor: &Channel) -> Result<Vec<GuardReport>, Failure> {
    let Namespaces { identity, network } = namespaces;
    block_signals()?;
    rlimits::bound_pending_signals()?;
    // What init makes has the modes that the spec says, whatever the caller's umask.
    rustix::process::umask(Mode::empty());
    namespaces::unshare_others(network)?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).at(Stage::Mounts, || "mount(\"/\", MS_PRIVATE | MS_REC)".into())?;
    let mut guards = namespaces::reports(network);
    take_identity(identity, supervisor)?;
    guards.push(GuardReport::enforced(Guard::Idmap, describe_identity(identity)));
    become_unreadable_and_mortal()?;
    if network == Network::None {
        network::bring_up_loopback()?;
    }
    Ok(guards)
}

/// What init is to build, and with what.
pub(crate) struct Order {
    pub(crate) spec: SandboxSpec,
    mapped: MappedMounts,
    /// What is to stay within reach, of a sandbox whose layers may change.
    sources: Option<Vec<Source>>,
    /// Kept open, never used.
    _held: Vec<OwnedFd>,
}

/// Waits for it; `None` when the supervisor has thought better of it.
pub(crate) fn take_order(supervisor: &Channel) -> Result<Option<Order>, Failure> {
    let (mut handed, mut sources) = (Vec::new(), None);
    loop {
        match supervisor.receive().at(Stage::Channel, || "receive(Build)".into())? {
            Some((Request::Descriptors, descriptors)) => handed.extend(descriptors),
            Some((Request::Sources(some), _)) => sources = Some(some),
            Some((Request::Build(spec), _)) => {
                let mut handed = handed.into_iter();
                let kept = sources.as_deref().unwrap_or_default();
                let mapped = MappedMounts::take_over(&spec.root, kept, &mut handed)
                    .ok_or(Errno::EBADF)
                    .at(Stage::Channel, || "receive(id-mapped mounts)".into())?;
                return Ok(Some(Order { spec, mapped, sources, _held: handed.collect() }));
            }
            _ => return Ok(None),
        }
    }
}

fn set_up(
    spec: &SandboxSpec,
    mapped: MappedMounts,
    sources: Option<&[Source]>,
    guards: &mut Vec<GuardReport>,
) -> Result<(Kept, Option<Living>), Failure> {
    let life = if sources.is_some() { Life::ManyViews } else { Life::OneView };
    let mut root = Root::attach(mapped, spec.memory, life)?;
    root.build(&spec.root)?;
    let (kept, living) = root.enter(sources.unwrap_or_default())?;
    kept.processes.as_ref().map_or(Ok(()), ucounts::bound)?;
    guards.push(GuardReport::enforced(Guard::Rootfs, "private root, read-only, entered by pivot_root"));
    guards.push(GuardReport::enforced(Guard::Procfs, "new procfs, hidepid, masked"));
    nix::unistd::sethostname(&spec.hostname)
        .at(Stage::Init, || format!("sethostname({:?})", spec.hostname))?;
    Ok((kept, living))
}

/// What is kept hides no process, as the one does that commands see.
fn procfs_of(kept: &Kept) -> Result<Option<Procfs>, Failure> {
    let top = kept.processes.as_ref().map(OwnedFd::try_clone).transpose();
    Ok(top.at(Stage::Init, || "dup(procfs)".into())?.map(Procfs::at))
}

/// Init installs no handler: it reads the one signal that it wants from a descriptor, and none that
/// the command sends can end it. A caller who ignores SIGCHLD would have the kernel reap in its place.
pub(crate) fn block_signals() -> Result<(), Failure> {
    reset_signal_dispositions();
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)
        .at(Stage::Init, || "sigprocmask(all)".into())
}

fn take_identity(identity: Identity, supervisor: &Channel) -> Result<(), Failure> {
    match identity {
        Identity::Caller { uid, gid } => idmap::map_caller(uid, gid),
        Identity::Shifted { uid, gid, .. } => {
            match supervisor.receive().at(Stage::Channel, || "receive(MapsWritten)".into())? {
                Some((Request::MapsWritten, _)) => idmap::assume(uid, gid),
                _ => exit(125),
            }
        }
    }
}

fn describe_identity(identity: Identity) -> String {
    match identity {
        Identity::Caller { uid, gid } => format!("only {uid}:{gid}, the caller's own"),
        Identity::Shifted { uid, gid, base } => {
            format!("{uid}:{gid} is {}:{} of the host", base + uid, base + gid)
        }
    }
}

/// The command has init's ids, and must neither read nor outlive it. A change of ids resets both
/// settings (`prctl(2)`), so they come after it.
fn become_unreadable_and_mortal() -> Result<(), Failure> {
    prctl::set_pdeathsig(Signal::SIGKILL).at(Stage::Init, || "prctl(PR_SET_PDEATHSIG, SIGKILL)".into())?;
    become_unreadable()
}

pub(crate) fn become_unreadable() -> Result<(), Failure> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .at(Stage::Init, || "prctl(PR_SET_DUMPABLE, 0)".into())?;
    wipe_environment();
    prctl::set_name(c"clearing-init").at(Stage::Init, || "prctl(PR_SET_NAME)".into())
}

/// What every command will enter is made once, before there is one.
fn prepare<'a>(
    spec: &'a SandboxSpec,
    network: Network,
    guards: &mut Vec<GuardReport>,
) -> Result<Confinement<'a>, Failure> {
    let mut guarded = |guard, result, how: &str| {
        guards.push(GuardReport::of(guard, how, result, &spec.best_effort)?);
        Ok(())
    };
    guarded(Guard::Keyring, join_keyring(), "a new session keyring")?;
    let domain = match Domain::build(&spec.landlock, border(network)) {
        Ok(domain) => Some(domain),
        Err(failure) => guarded(Guard::Landlock, Err(failure), "").map(|()| None)?,
    };
    Ok(Confinement { sandbox: spec, domain, user: None, filter: Vec::new() })
}

fn border(network: Network) -> Border {
    if network == Network::Host { Border::AbstractSockets } else { Border::None }
}

pub(crate) fn join_keyring() -> Result<(), Failure> {
    keyctl_join_session_keyring().at(Stage::Keyring, || "keyctl(KEYCTL_JOIN_SESSION_KEYRING)".into())
}
