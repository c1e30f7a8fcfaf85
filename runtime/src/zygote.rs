//! A process that begins commands in init's place: what all of them take for good it has taken once, and they have it
//! from their beginning.
//!
//! ```text
//!   init ──fork──▶ capabilities dropped, filter loaded ──▶ prepared ◀── order ──▶ vfork ──▶ a command, child of init
//!                      └── any failure: hang-up                └─────◀── its program runs ───────┘
//! ```
//! It is as confined as a command but for the Landlock domain, which each command enters for itself, so that none can
//! trace another. Commands have its user id: they can stop and kill it, and nothing else. It is not dumpable, blocks all
//! other signals, and talks to init alone; init does its work where it does not answer.

use std::convert::Infallible;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, socketpair};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::channel::frame;
use crate::confine::{Begun, Confinement, Word, become_begun, exit, take_for_good};
use crate::descriptors;
use crate::error::{AtStage as _, Failure, Stage};
use crate::guard::GuardReport;
use crate::landlock::Domain;
use crate::mark;
use crate::program::Program;
use crate::rights;
use crate::spec::ExecSpec;
use crate::stdio::Streams;
use crate::sys::{
    Forked, SharedNumber, Stack, fork_apart, landlock_restrict_self, scheduling, vfork_sibling,
};

/// Init's side of it.
pub(crate) struct Zygote {
    pub(crate) pid: Pid,
    /// Hang-up is its death.
    orders: OwnedFd,
    /// The number of the command that was begun last, once there is one.
    begun: SharedNumber,
    /// What becomes of the guards of each command that it begins, once it is prepared.
    guards: Option<Vec<GuardReport>>,
    is_used: bool,
}

/// What it is to begin. The pipe that the command tells init by comes along, and its streams.
#[derive(Serialize, Deserialize)]
struct Order<Spec = ExecSpec> {
    spec: Spec,
    /// Which streams are a terminal, where there is one.
    terminal: Option<[bool; 3]>,
}

type Received = (Order, Vec<OwnedFd>);

/// Longer orders are not taken.
const LONGEST: usize = 32 << 10;

impl Zygote {
    /// Forks one, which is not prepared yet.
    pub(crate) fn fork(confinement: &Confinement<'_>) -> Result<Self, Failure> {
        let (orders, its) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
                .at(Stage::Channel, || "socketpair(AF_UNIX)".into())?;
        let begun = SharedNumber::new().at(Stage::Channel, || "mmap(MAP_SHARED)".into())?;
        match fork_apart().at(Stage::Clone, || "fork()".into())? {
            Forked::Child => {
                let _ = live(&its, &begun, confinement);
                exit(125)
            }
            Forked::Parent { child, .. } => {
                Ok(Self { pid: child, orders, begun, guards: None, is_used: false })
            }
        }
    }

    /// What becomes of the guards of a command that it begins; none before it takes orders.
    pub(crate) fn guards(&self) -> Option<&[GuardReport]> {
        self.guards.as_deref()
    }

    /// Whether it has taken an order.
    pub(crate) fn is_used(&self) -> bool {
        self.is_used
    }

    /// Takes in what has become readable; false if it is no more.
    pub(crate) fn hear(&mut self) -> bool {
        let mut bytes = [0; 4 << 10];
        let heard = rustix::io::read(&self.orders, &mut bytes).unwrap_or(0);
        self.guards = postcard::from_bytes(&bytes[..heard]).ok();
        self.guards.is_some()
    }

    /// Whether its commands would be scheduled as init's: others may have changed that, and are gone since.
    pub(crate) fn is_scheduled_as_init(&self) -> bool {
        matches!((scheduling(self.pid.as_raw()), scheduling(0)), (Ok(its), Ok(own)) if its == own)
    }

    /// Has it begin a command with this mark. Whether it did is seen by [`Zygote::begun`], by the end of the pipe at
    /// the latest.
    pub(crate) fn order(
        &mut self,
        spec: &ExecSpec,
        mark: u64,
        streams: &Streams,
        tell: BorrowedFd<'_>,
    ) -> Result<(), Errno> {
        let (given, terminal) = streams.parts();
        let order = postcard::to_stdvec(&Order { spec, terminal }).map_err(|_| Errno::EINVAL)?;
        if order.len() > LONGEST {
            return Err(Errno::E2BIG);
        }
        mark::put_on(self.pid, mark).map_err(|errno| Errno::from_raw(errno.raw_os_error()))?;
        self.begun.set(0);
        let descriptors: Vec<BorrowedFd<'_>> = std::iter::once(tell).chain(given).collect();
        // A command may have stopped it. Later it would be in the way of what it does.
        kill(self.pid, Signal::SIGCONT)?;
        rights::send(&self.orders, &order, &descriptors, MsgFlags::MSG_DONTWAIT)?;
        self.is_used = true;
        Ok(())
    }

    /// The process of the last order, once there is one. What it says of a zygote that has ended stays so.
    pub(crate) fn begun(&self) -> Option<Pid> {
        Some(self.begun.get()).filter(|number| *number > 0).map(Pid::from_raw)
    }

    /// Ends it. A command that it has begun goes on.
    pub(crate) fn end(&self) {
        // Both fail only where it has been reaped.
        let _ = kill(self.pid, Signal::SIGKILL);
        let _ = waitpid(self.pid, Some(WaitPidFlag::__WALL));
    }
}

impl AsFd for Zygote {
    /// Readable when [`Zygote::hear`] has something to hear.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.orders.as_fd()
    }
}

/// The life of the zygote.
fn live(
    orders: &OwnedFd,
    begun: &SharedNumber,
    confinement: &Confinement<'_>,
) -> Result<Infallible, Failure> {
    let _ = nix::sys::prctl::set_name(c"clearing-zygote");
    mark::put_of_init().at(Stage::Limits, || "setrlimit(RLIMIT_RTTIME)".into())?;
    let domain = confinement.domain.as_ref().map(Domain::descriptor).transpose()?.flatten();
    let kept = std::iter::once(orders).chain(&domain).map(|descriptor| descriptor.as_fd());
    descriptors::close_all_but(kept)?;
    let has_domain = domain.is_some();
    let taken = take_for_good(confinement, domain)?;
    if has_domain {
        landlock_is_left()?;
    }
    let guards = postcard::to_stdvec(&taken.guards()).map_err(|_| rustix::io::Errno::MSGSIZE);
    let told = guards.and_then(|guards| rustix::io::write(orders, &guards));
    told.at(Stage::Channel, || "write(init)".into())?;
    let (mut stack, mut bytes) = (Stack::default(), vec![0; LONGEST]);
    while let Some((order, descriptors)) = receive(orders, &mut bytes)? {
        let is_sound = begin(order, descriptors, |command| {
            vfork_sibling(&mut stack, begun, || become_begun(command, &taken))
        });
        if !is_sound {
            break;
        }
    }
    exit(0)
}

/// A filter may refuse what commands still have to do.
fn landlock_is_left() -> Result<(), Failure> {
    match landlock_restrict_self(-1) {
        Err(error) if error.raw_os_error() == Some(libc::EBADF) => Ok(()),
        refused => refused
            .and(Err(std::io::Error::from_raw_os_error(libc::EBADF)))
            .at(Stage::Landlock, || "landlock_restrict_self(-1)".into()),
    }
}

/// Begins a command, and waits until its program runs or there will be none. False if it may have left memory as it
/// is in the midst of something: it was killed on its way, was refused something, or had to be run by another program.
fn begin(
    order: Order,
    mut descriptors: Vec<OwnedFd>,
    vfork: impl FnOnce(&Begun<'_>) -> std::io::Result<Pid>,
) -> bool {
    let Order { spec, terminal } = order;
    if descriptors.is_empty() {
        return true;
    }
    let told = descriptors.remove(0);
    let Some(streams) = Streams::of_parts(descriptors, terminal) else { return true };
    let command = Begun { spec: &spec, streams: &streams, told: &told, program: Program::of(&spec) };
    if let Err(failure) = vfork(&command).at(Stage::Clone, || "clone(CLONE_PARENT)".into()) {
        let word = frame(&Word::Failed(failure)).unwrap_or_default();
        let _ = rustix::io::write(&told, &word);
        return true;
    }
    command.program.has_left_memory_alone()
}

/// The next order; none once init has hung up.
fn receive(orders: &OwnedFd, bytes: &mut [u8]) -> Result<Option<Received>, Failure> {
    let (length, descriptors) =
        rights::receive(orders, bytes, MsgFlags::empty()).at(Stage::Channel, || "recvmsg(order)".into())?;
    if length == 0 {
        return Ok(None);
    }
    let order = postcard::from_bytes(&bytes[..length])
        .map_err(|_| Errno::EBADMSG)
        .at(Stage::Channel, || "decode(order)".into())?;
    Ok(Some((order, descriptors)))
}
