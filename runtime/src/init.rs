//! PID 1 of a sandbox: sets it up, then starts commands, reaps, passes signals on and reports.
//!
//! ```text
//!   cloned ──▶ has its ids ──▶ root entered ──▶ Ready ──▶ serving ──▶ gone
//!      └───────────┴────── any failure: Failed ─────────────────────▶ gone
//! ```
//! Serving ends when the supervisor hangs up. With PID 1 the kernel ends every process of the
//! sandbox, and with the last of them its mounts and its network.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use nix::sys::prctl;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use rustix::fs::{Mode, OFlags};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::DumpableBehavior;

use crate::channel::{Channel, Report, Request};
use crate::confine::{Confinement, exit};
use crate::error::{AtStage as _, Failure, Stage};
use crate::guard::{Guard, GuardReport};
use crate::landlock::Domain;
use crate::mapped::MappedMounts;
use crate::mounts::Root;
use crate::sandbox::Kept;
use crate::serve::{Server, Standing};
use crate::spec::{Identity, Network, SandboxSpec};
use crate::sys::{keyctl_join_session_keyring, reset_signal_dispositions, wipe_environment};
use crate::{descriptors, idmap, namespaces, network};

/// What init has from the supervisor, besides a copy of its memory.
pub(crate) struct Inherited<'a> {
    pub(crate) supervisor: Channel,
    pub(crate) mapped: MappedMounts,
    /// Kept open, never used.
    pub(crate) held: &'a [BorrowedFd<'a>],
}

/// The life of init, in the process that `clone3` has just made.
pub(crate) fn run(spec: &SandboxSpec, inherited: Inherited<'_>) -> ! {
    let Inherited { supervisor, mapped, held } = inherited;
    let mut guards = namespaces::reports(spec.network);
    let kept = held.iter().copied().chain([supervisor.as_fd()]).chain(mapped.descriptors());
    let closed = descriptors::close_all_but(kept);
    match closed.and_then(|()| set_up(spec, &supervisor, mapped, &mut guards)) {
        Err(failure) => {
            let _ = supervisor.send(&Report::Failed(failure), &[]);
            exit(125)
        }
        Ok((confinement, kept)) => {
            let code =
                Server::new(supervisor, confinement, Standing { guards, kept }).map_or(125, Server::serve);
            exit(code)
        }
    }
}

fn set_up<'a>(
    spec: &'a SandboxSpec,
    supervisor: &Channel,
    mapped: MappedMounts,
    guards: &mut Vec<GuardReport>,
) -> Result<(Confinement<'a>, Kept), Failure> {
    block_signals()?;
    // What init makes has the modes that the spec says, whatever the caller's umask.
    rustix::process::umask(Mode::empty());
    let base =
        rustix::fs::open(&spec.base, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .at(Stage::Mounts, || format!("open({:?})", spec.base))?;
    take_identity(spec.identity, supervisor)?;
    guards.push(GuardReport::enforced(Guard::Idmap, describe_identity(spec.identity)));
    become_unreadable_and_mortal()?;
    let kept = build_root(spec, &base, mapped)?;
    guards.push(GuardReport::enforced(Guard::Rootfs, "private root, read-only, entered by pivot_root"));
    guards.push(GuardReport::enforced(Guard::Procfs, "new procfs, hidepid, masked"));
    if spec.network == Network::None {
        network::bring_up_loopback()?;
    }
    nix::unistd::sethostname(&spec.hostname)
        .at(Stage::Init, || format!("sethostname({:?})", spec.hostname))?;
    Ok((prepare(spec, guards)?, kept))
}

/// Init installs no handler: it reads the one signal that it wants from a descriptor, and none that
/// the command sends can end it. A caller who ignores SIGCHLD would have the kernel reap in its place.
fn block_signals() -> Result<(), Failure> {
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
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .at(Stage::Init, || "prctl(PR_SET_DUMPABLE, 0)".into())?;
    wipe_environment();
    prctl::set_name(c"clearing-init").at(Stage::Init, || "prctl(PR_SET_NAME)".into())
}

fn build_root(spec: &SandboxSpec, base: &OwnedFd, mapped: MappedMounts) -> Result<Kept, Failure> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).at(Stage::Mounts, || "mount(\"/\", MS_PRIVATE | MS_REC)".into())?;
    let mut root = Root::attach(base, mapped, spec.memory)?;
    root.build(&spec.root)?;
    root.enter()
}

/// What every command will enter is made once, before there is one.
fn prepare<'a>(spec: &'a SandboxSpec, guards: &mut Vec<GuardReport>) -> Result<Confinement<'a>, Failure> {
    let mut guarded = |guard, result, how: &str| {
        guards.push(GuardReport::of(guard, how, result, &spec.best_effort)?);
        Ok(())
    };
    let keyring =
        keyctl_join_session_keyring().at(Stage::Keyring, || "keyctl(KEYCTL_JOIN_SESSION_KEYRING)".into());
    guarded(Guard::Keyring, keyring, "a new session keyring")?;
    let domain = match Domain::build(&spec.landlock, spec.network) {
        Ok(domain) => Some(domain),
        Err(failure) => guarded(Guard::Landlock, Err(failure), "").map(|()| None)?,
    };
    Ok(Confinement { sandbox: spec, domain, filter: Vec::new() })
}
