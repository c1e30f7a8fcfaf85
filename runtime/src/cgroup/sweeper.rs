//! The process that removes a group when its owner is gone, and how a group is removed.
//!
//! A group's directory outlives its last process, and nobody but a process can remove it. So one stands
//! by, forked while init sets the sandbox up, and waits for the owner to end or to be killed.

use std::cell::OnceCell;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use super::group::{Node, Shape};
use super::{Version, files, limits, names, unified};
use crate::channel::Channel;
use crate::error::{AtStage as _, Failure, Stage};
use crate::helper::Helper;
use crate::launcher::{self, Errand};

/// Stands by until it is dropped.
#[derive(Debug)]
pub(super) struct Sweeper {
    /// Its end is what the sweeper waits for; closed before the process is looked at.
    _owner: OwnedFd,
    _process: Helper,
}

/// A group that init may not be in yet.
pub(crate) struct Settling {
    answer: Option<Channel>,
    heard: OnceCell<Result<(), Failure>>,
}

/// Milliseconds in which a sandbox is on its way; what is dead can wait.
const LEISURE: u8 = 100;
/// An owner that was killed leaves processes that end within milliseconds; a kernel that is busy with
/// much memory may need longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Who moves back to where it came from waits so long for its owner to go first.
const COMPANY: Duration = Duration::from_secs(1);

/// The same as plain data; descriptors go with it in the order of [`Stand::descriptors`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sweeping {
    nodes: Vec<Shape>,
    moved: Option<(String, bool)>,
    attached: Option<u32>,
}

/// What a sweeper works with.
struct Stand<'a> {
    nodes: &'a [Node],
    moved: Option<&'a unified::Moved>,
    /// Put into every group first, and that is told.
    attached: Option<u32>,
    tell: Option<Channel>,
    ended: OwnedFd,
}

impl Sweeper {
    /// Forks. With `attached` it first puts that process into every group, and then tells so.
    pub(super) fn fork(
        nodes: &[Node],
        moved: Option<&unified::Moved>,
        attached: Option<u32>,
    ) -> io::Result<(Self, Settling)> {
        let (ended, owner) = pipe_with(PipeFlags::CLOEXEC)?;
        let (heard, tell) = match attached {
            Some(_) => Channel::pair().map(|(heard, tell)| (Some(heard), Some(tell)))?,
            None => (None, None),
        };
        let stand = Stand { nodes, moved, attached, tell, ended };
        let process = if launcher::running().is_some() {
            Helper::of_launcher(&Errand::Sweep(stand.shape()), &stand.descriptors())?
        } else {
            Helper::fork(&stand.descriptors(), || stand.by())?
        };
        Ok((Self { _owner: owner, _process: process }, Settling { answer: heard, heard: OnceCell::new() }))
    }
}

impl Stand<'_> {
    /// All that a sweeper has open.
    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let groups = self.nodes.iter().flat_map(|node| [node.parent.as_fd(), node.directory.as_fd()]);
        let place = self.moved.iter().map(|moved| moved.place.as_fd());
        let tell = self.tell.iter().map(|fd| fd.as_fd());
        [self.ended.as_fd()].into_iter().chain(groups).chain(place).chain(tell).collect()
    }

    fn shape(&self) -> Sweeping {
        Sweeping {
            nodes: self.nodes.iter().map(Node::shape).collect(),
            moved: self.moved.map(unified::Moved::shape),
            attached: self.attached,
        }
    }

    /// The life of a sweeper.
    fn by(&self) {
        if let (Some(init), Some(tell)) = (self.attached, &self.tell) {
            let _ = tell.send(&attach(self.nodes, init), &[]);
        }
        let is_over = ends_within(&self.ended, LEISURE);
        if !is_over {
            collect_dead(self.nodes);
            // Nothing is ever written: this is the end.
            let _ = rustix::io::read(&self.ended, &mut [0_u8; 1]);
        }
        let version = if self.attached.is_some() { Version::V1 } else { Version::V2 };
        let _ = sweep(version, self.nodes, PATIENCE);
        if is_over {
            collect_dead(self.nodes);
        }
        if let Some(moved) = self.moved {
            move_back(moved);
        }
    }
}

/// The life of a sweeper in a process that the launcher has forked.
pub(crate) fn sweep_away(sweeping: Sweeping, handed: Vec<OwnedFd>) {
    let mut handed = handed.into_iter();
    let mut next = || handed.next();
    let Some(ended) = next() else { return };
    let nodes: Option<Vec<Node>> =
        sweeping.nodes.into_iter().map(|shape| Some(Node::of(shape, next()?, next()?))).collect();
    let moved = sweeping.moved.and_then(|shape| Some(unified::Moved::of(shape, next()?)));
    let tell = next().map(Channel::of);
    if let Some(nodes) = nodes {
        let stand = Stand { nodes: &nodes, moved: moved.as_ref(), attached: sweeping.attached, tell, ended };
        stand.by();
    }
}

/// Waits for the owner to end, but not for long.
fn ends_within(owner: &OwnedFd, milliseconds: u8) -> bool {
    let mut polled = [PollFd::new(owner.as_fd(), PollFlags::POLLIN)];
    poll(&mut polled, milliseconds).is_ok_and(|ready| ready > 0)
}

fn collect_dead(nodes: &[Node]) {
    nodes.iter().for_each(|node| names::collect(&node.parent));
}

fn attach(nodes: &[Node], init: u32) -> Result<(), Failure> {
    nodes.iter().try_for_each(|node| limits::attach(node, init))
}

fn move_back(moved: &unified::Moved) {
    let until = Instant::now() + COMPANY;
    while !moved.undo() && Instant::now() < until {
        sleep(Duration::from_millis(5));
    }
}

impl Settling {
    /// Waits until init is in its group: no command may start before. Tells whether it was moved since
    /// it was asked last.
    pub(crate) fn wait(&self) -> Result<bool, Failure> {
        let is_first = self.heard.get().is_none();
        self.heard.get_or_init(|| self.answer.as_ref().map_or(Ok(()), hear)).clone()?;
        Ok(is_first && self.answer.is_some())
    }
}

fn hear(answer: &Channel) -> Result<(), Failure> {
    let heard = answer.receive::<Result<(), Failure>>();
    let told = heard.and_then(|heard| heard.ok_or_else(|| io::ErrorKind::UnexpectedEof.into()));
    told.at(Stage::Limits, || "waiting for init to be in its group".into())?.0
}

/// Ends every process in the groups and removes them.
pub(super) fn sweep(version: Version, nodes: &[Node], patience: Duration) -> Result<(), Failure> {
    let until = Instant::now() + patience;
    let mut pause = Duration::from_micros(200);
    loop {
        // All of them, whatever becomes of one.
        let left: Vec<_> = nodes.iter().filter_map(|node| Some((node, node.remove().err()?))).collect();
        match left.first() {
            None => return Ok(()),
            Some((_, Errno::BUSY)) if Instant::now() < until => kill(version, nodes),
            Some((node, errno)) => {
                return Err(*errno).at(Stage::Limits, || format!("rmdir({:?})", node.path));
            }
        }
        sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Ends every process in the groups, by one write where the kernel can.
pub(super) fn kill(version: Version, nodes: &[Node]) {
    for node in nodes {
        if version == Version::V1 || files::write(&node.directory, "cgroup.kill", "1").is_err() {
            kill_each(node);
        }
    }
}

/// Ends those that are there now; one that forks meanwhile is seen the next time.
fn kill_each(node: &Node) {
    let listed = || files::read_list(&node.directory, "cgroup.procs").unwrap_or_default();
    let pids = |text: String| text.lines().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect();
    let found: Vec<Pid> = pids(listed());
    let held: Vec<(Pid, OwnedFd)> =
        found.into_iter().filter_map(|pid| Some((pid, pidfd_open(pid, PidfdFlags::empty()).ok()?))).collect();
    if held.is_empty() {
        return;
    }
    // A pid that was used again in between is not in the group: the descriptor says whose it is.
    let still: Vec<Pid> = pids(listed());
    for (_, process) in held.iter().filter(|(pid, _)| still.contains(pid)) {
        let _ = pidfd_send_signal(process, Signal::KILL);
    }
}
