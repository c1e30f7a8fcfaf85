//! A small process that forks for a large one: only a process with one thread may clone, and what it clones is
//! a copy of itself.
//!
//! ```text
//!   supervisor, one thread      supervisor, many threads
//!        │ start() ── fork ──▶ launcher            one thread, little memory, no secrets
//!        │                        ▲ errand + descriptors, among them where to answer
//!        └── thread ──────────────┤
//!        └── thread ──────────────┘ answer + descriptors (init's pidfd, a namespace, …)
//!                                 │ clone3
//!                                 ▼
//!                               init, sweepers, trials: the launcher's children, reaped by it
//! ```
//! An errand is plain data. The supervisor's death ends the launcher, and the launcher's death every init. A
//! process without a launcher, as one that runs one command is, forks by itself.

mod children;
mod errand;
mod errands;

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::{Mutex, OnceLock, PoisonError};

use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use serde::de::DeserializeOwned;

use crate::birth::Born;
use crate::channel::{Channel, is_hang_up};
use crate::confine::exit;
use crate::error::{AtStage as _, Failure, Stage};
use crate::spec::{Birth, Identity};
use crate::sys::{Forked, fork};
pub(crate) use errand::Errand;

/// The launcher of this process.
#[derive(Debug)]
pub(crate) struct Launcher {
    /// Held for as long as one errand takes to be sent, so that none is cut in two.
    channel: Mutex<Channel>,
    process: Born,
}

static LAUNCHER: OnceLock<Launcher> = OnceLock::new();

/// Forks the launcher of the calling process, which must have one thread (`EBUSY`), and have no launcher yet
/// (`EALREADY`). It is called by the thread that lives as long as the process does: with that thread the launcher
/// ends, and every sandbox.
///
/// From then on sandboxes are launched, and hosts are probed, from any thread. What the launcher and every init
/// have in memory is what this process has now: functions and works ([`crate::register_functions`],
/// [`crate::register_works`]) are registered before, and what takes much memory comes later.
pub fn start() -> Result<(), Failure> {
    if LAUNCHER.get().is_some() {
        return Err(Errno::EALREADY).at(Stage::Launcher, || "a second launcher".into());
    }
    let (channel, theirs) = Channel::pair().at(Stage::Channel, || "socketpair(AF_UNIX)".into())?;
    let supervisor = nix::unistd::getpid();
    match fork().at(Stage::Launcher, || "fork()".into())? {
        Forked::Child => errands::run(theirs, supervisor),
        Forked::Parent { child, pidfd } => {
            drop(theirs);
            let launcher = Launcher { channel: channel.into(), process: Born { pid: child, pidfd } };
            launcher.is_ready()?;
            // With one thread nobody was faster.
            let _ = LAUNCHER.set(launcher);
            Ok(())
        }
    }
}

/// The launcher of this process, if it has one; it may have ended.
pub(crate) fn running() -> Option<&'static Launcher> {
    LAUNCHER.get()
}

/// The process id of the launcher, if there is one.
pub fn process() -> Option<u32> {
    running().map(|launcher| launcher.process.pid.as_raw().unsigned_abs())
}

/// Readable when the launcher has ended, if there is one: then nothing can be launched any more.
pub fn end() -> Option<BorrowedFd<'static>> {
    running().map(|launcher| launcher.process.pidfd.as_fd())
}

impl Launcher {
    /// Has init made; what it needs to have its ids is done.
    pub(crate) fn launch(
        &self,
        birth: &Birth,
        supervisor: &Channel,
        group: Option<BorrowedFd<'_>>,
    ) -> Result<Born, Failure> {
        let handed: Vec<BorrowedFd<'_>> = [supervisor.as_fd()].into_iter().chain(group).collect();
        self.ask(&Errand::Launch(*birth), &handed)?.born()
    }

    /// Has a user namespace made that shows files of `uid` and `gid` as the command's own.
    pub(crate) fn owner_map(&self, identity: Identity, uid: u32, gid: u32) -> Result<OwnedFd, Failure> {
        self.ask::<()>(&Errand::OwnerMap { identity, uid, gid }, &[])?.descriptor()
    }

    /// Has a process made that does what `errand` says, with these descriptors.
    pub(crate) fn fork(&self, errand: &Errand, handed: &[BorrowedFd<'_>]) -> Result<Born, Failure> {
        self.ask(errand, handed)?.born()
    }

    /// Has a process made that tries something, and waits for what it finds.
    pub(crate) fn try_out<T: DeserializeOwned>(&self, errand: &Errand) -> Result<T, Failure> {
        self.ask(errand, &[]).map(|answer| answer.told)
    }

    /// Waits until nothing is left of the family of an init without a namespace, which has ended.
    pub(crate) fn bury(&self, init: Pid) -> Result<(), Failure> {
        self.ask(&Errand::Bury(init.as_raw()), &[]).map(|answer| answer.told)
    }

    /// Runs an errand. Each is answered at a channel of its own, so that threads wait for their own alone.
    fn ask<T: DeserializeOwned>(
        &self,
        errand: &Errand,
        handed: &[BorrowedFd<'_>],
    ) -> Result<Answer<T>, Failure> {
        let (answer, theirs) = Channel::pair().at(Stage::Channel, || "socketpair(AF_UNIX)".into())?;
        let handed: Vec<BorrowedFd<'_>> =
            [theirs.as_fd()].into_iter().chain(handed.iter().copied()).collect();
        let sent = {
            // Nobody panics in the middle of sending.
            let channel = self.channel.lock().unwrap_or_else(PoisonError::into_inner);
            channel.send(errand, &handed)
        };
        drop(theirs);
        match sent {
            Err(error) if is_hang_up(&error) => return Err(self.gone(errand)),
            sent => sent.at(Stage::Launcher, || format!("send({})", errand.name()))?,
        }
        let told = answer.receive::<Result<T, Failure>>();
        match told.at(Stage::Launcher, || format!("receive({})", errand.name()))? {
            Some((told, descriptors)) => Ok(Answer { told: told?, descriptors }),
            None => Err(self.gone(errand)),
        }
    }

    fn is_ready(&self) -> Result<(), Failure> {
        let channel = self.channel.lock().unwrap_or_else(PoisonError::into_inner);
        let told =
            channel.receive::<Result<(), Failure>>().at(Stage::Launcher, || "receive(ready)".into())?;
        told.map_or_else(|| Err(self.gone(&Errand::Bury(0))), |(told, _)| told)
    }

    /// It cannot be replaced: a second one could be forked from one thread only.
    fn gone(&self, errand: &Errand) -> Failure {
        let _ = waitpid(self.process.pid, Some(WaitPidFlag::WNOHANG));
        let action = format!("{}: the launcher, process {}, has ended", errand.name(), self.process.pid);
        Failure { stage: Stage::Launcher, action, errno: libc::ESRCH }
    }
}

/// What an errand brought back.
struct Answer<T> {
    told: T,
    descriptors: Vec<OwnedFd>,
}

impl<T> Answer<T> {
    fn descriptor(self) -> Result<OwnedFd, Failure> {
        let first = self.descriptors.into_iter().next();
        first.ok_or(Errno::EBADF).at(Stage::Launcher, || "an answer without a descriptor".into())
    }
}

impl Answer<i32> {
    fn born(self) -> Result<Born, Failure> {
        let pid = Pid::from_raw(self.told);
        Ok(Born { pid, pidfd: self.descriptor()? })
    }
}

/// Leaves the launcher's copy of the supervisor's life.
fn leave() -> ! {
    exit(0)
}
