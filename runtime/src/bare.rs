//! Init of a sandbox without namespaces: an ordinary process of the host, which keeps its family together.
//!
//! ```text
//!   forked ──▶ leads a session, adopts orphans, enters a border ──▶ told what to build ──▶ Ready ──▶ serving
//!      └──────────────────┴──────── any failure: Failed ────────────────┴──────────────▶ family ended ──▶ gone
//! ```
//! There is no kernel to end what is left: init does, whenever it ends. Should it be killed, its orphans go
//! to the supervisor, which does the same ([`crate::family`]).

use std::os::fd::AsFd as _;

use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::SignalFd;
use rustix::fs::Mode;

use crate::channel::{Channel, Report};
use crate::confine::{Confinement, exit};
use crate::error::{AtStage as _, Failure, Stage};
use crate::family::{Family, Reach};
use crate::guard::{Guard, GuardReport};
use crate::init::{WAKE, become_unreadable, block_signals, join_keyring, take_order};
use crate::landlock::{Border, Domain};
use crate::processors::Processors;
use crate::sandbox::Kept;
use crate::serve::{Server, Standing};
use crate::spec::{Bare, Network, SandboxSpec, User};
use crate::{descriptors, rlimits};

/// What init ends itself and its family for: the supervisor's death, and its word.
const END: Signal = Signal::SIGTERM;

/// The first ABI that holds truncation (Linux 6.2): without it every file that a command may name could be
/// emptied.
const TRUNCATION: u32 = 3;

/// The life of init, in the process that `clone3` has just made.
pub(crate) fn run(bare: Bare, supervisor: Channel, processors: Option<&Processors>) -> ! {
    match live(bare, &supervisor, processors) {
        Ok(code) => exit(code),
        Err(failure) => {
            let _ = supervisor.send(&Report::Failed(failure), &[]);
            exit(125)
        }
    }
}

/// Init's exit code.
fn live(bare: Bare, supervisor: &Channel, processors: Option<&Processors>) -> Result<i32, Failure> {
    descriptors::close_all_but([supervisor.as_fd()].into_iter())?;
    let wake = be_born()?;
    let family = Family { reach: enter_border()?, procfs: None };
    let Some(order) = take_order(supervisor)? else { return Ok(125) };
    processors.map_or(Ok(()), Processors::restore)?;
    let mut guards = reports(bare);
    let confinement = prepare(&order.spec, bare, &mut guards)?;
    let standing = Standing { guards, kept: Kept::default() };
    Ok(Server::new(supervisor, confinement, standing, wake, family).serve())
}

/// A session of its own keeps init out of the caller's process group: what kills that spares the one who
/// clears up. What wakes init comes by a descriptor.
fn be_born() -> Result<SignalFd, Failure> {
    block_signals()?;
    rlimits::bound_pending_signals()?;
    rustix::process::umask(Mode::empty());
    nix::unistd::setsid().at(Stage::Init, || "setsid()".into())?;
    prctl::set_child_subreaper(true).at(Stage::Init, || "prctl(PR_SET_CHILD_SUBREAPER)".into())?;
    prctl::set_pdeathsig(END).at(Stage::Init, || "prctl(PR_SET_PDEATHSIG, SIGTERM)".into())?;
    become_unreadable()?;
    let wanted = SigSet::from_iter([Signal::SIGCHLD, END]);
    SignalFd::with_flags(&wanted, WAKE).at(Stage::Init, || "signalfd(SIGCHLD, SIGTERM)".into())
}

/// Puts init and all that it will start behind a border which no signal crosses outwards (Landlock ABI 6).
/// Then one `kill(-1)` reaches the whole family and nobody else, at once, however fast it forks.
fn enter_border() -> Result<Reach, Failure> {
    rustix::thread::set_no_new_privs(true).at(Stage::Init, || "prctl(PR_SET_NO_NEW_PRIVS)".into())?;
    if !Domain::enter_border_for_signals()? {
        return Ok(Reach::Descendants);
    }
    // All that is reached through it is killed one day: it must be there.
    let supervisor = nix::unistd::getppid();
    match nix::sys::signal::kill(supervisor, None) {
        Err(nix::errno::Errno::EPERM) => Ok(Reach::Border),
        _ => Ok(Reach::Descendants),
    }
}

/// What every command will enter is made once, before there is one.
fn prepare<'a>(
    spec: &'a SandboxSpec,
    bare: Bare,
    guards: &mut Vec<GuardReport>,
) -> Result<Confinement<'a>, Failure> {
    guards.push(GuardReport::of(Guard::Keyring, "a new session keyring", join_keyring(), &spec.best_effort)?);
    // Nothing else holds here, so it is never left out.
    let domain = Domain::build(&spec.landlock, Border::of(bare.network))?;
    if domain.abi < TRUNCATION {
        let action =
            format!("Landlock has ABI {}, which lets files be truncated that may not be written", domain.abi);
        return Err(Failure { stage: Stage::Landlock, action, errno: libc::EOPNOTSUPP });
    }
    Ok(Confinement { sandbox: spec, domain: Some(domain), user: Some(bare.user), filter: Vec::new() })
}

/// What a sandbox without namespaces does not have.
fn reports(bare: Bare) -> Vec<GuardReport> {
    const WHY: &str = "the tier is landlock";
    let missing = [Guard::User, Guard::Mount, Guard::Pid, Guard::Ipc, Guard::Uts, Guard::Cgroup];
    let missing = missing.into_iter().chain([Guard::Rootfs, Guard::Procfs]);
    let mut reports: Vec<_> = missing.map(|guard| GuardReport::missing(guard, WHY)).collect();
    reports.push(match bare.network {
        Network::None => GuardReport::enforced(Guard::Network, "no socket of any network, by the filter"),
        Network::Host => GuardReport::missing(Guard::Network, "the host's network was asked for"),
    });
    reports.push(match bare.user {
        User::Caller => GuardReport::missing(Guard::Idmap, "the command has the caller's own ids"),
        User::Other { uid, gid } => {
            GuardReport::enforced(Guard::Idmap, format!("{uid}:{gid} of the host, nobody's"))
        }
    });
    reports
}
