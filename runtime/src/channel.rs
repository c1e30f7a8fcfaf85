//! Typed messages between our own processes.
//!
//! ```text
//!  supervisor                          init
//!      │ ── MapsWritten (shifted ids) ──▶ │ waits for its ids
//!      │ ── Descriptors … ──────────────▶ │ makes its namespaces meanwhile
//!      │ ── Build ──────────────────────▶ │
//!      │ ── Filter ─────────────────────▶ │ puts the root together meanwhile
//!      │ ── Regrouped (cgroup v1) ──────▶ │
//!      │ ── Exec + 3 or 4 descriptors ──▶ │
//!      │ ◀── Ready + overlays, or Failed  │
//!      │ ◀── Observed + listener ──────── ┤ the command itself, on its way, where somebody looks on
//!      │ ◀── Started (+ terminal), ────── │ end-of-file on the command's pipe: execve succeeded
//!      │     or NotStarted                │
//!      │ ── Signal, SignalAll ──────────▶ │
//!      │ ◀── Exited ───────────────────── │ reaped
//!      │ ── SignalExec, End ────────────▶ │ in a sandbox that lives on
//!      │ ◀── Ended, Alone ─────────────── │
//!      │ ── Quiet, Remount ─────────────▶ │ in a sandbox that lives on; `Sources` came before Build
//!      │ ◀── Quiet, Remounted + overlays  │
//!      └ hang-up: init exits and the kernel ends all that is left
//! ```

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, socketpair};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::guard::GuardReport;
use crate::rights;
use crate::spec::{ExecSpec, Mount, Others, Remount, SandboxSpec, Source};

/// From the supervisor to init.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Put the sandbox together.
    Build(SandboxSpec),
    /// Run a command; standard input, output and error come along, and the entrance to its leaf if it has one.
    Exec(ExecSpec),
    /// The user namespace has its ids.
    MapsWritten,
    /// What the next [`Request::Build`] needs comes along: first its id-mapped mounts, then what is to
    /// be held.
    Descriptors,
    /// The system call filter of commands from here on, instruction by instruction.
    Filter(Vec<(u16, u8, u8, u32)>),
    /// Send a signal to the process group of a command.
    Signal { exec: u32, signal: i32 },
    /// Send a signal to every process but init.
    SignalAll { signal: i32 },
    /// Init has been moved into its control groups, and sees them as the root from here on.
    Regrouped,
    /// What the next [`Request::Build`] leaves within init's reach; its id-mapped mounts come last among the
    /// descriptors that do.
    Sources(Vec<Source>),
    /// Show other layers.
    Remount(Remount),
    /// Say whether anything runs, and let nothing run if that is asked for.
    Quiet(Others),
    /// Have these mounts ready, and no others, for a [`Request::Remount`] that may ask for them.
    Prepare(Vec<Mount>),
    /// Send a signal to every process of a command, those that it left behind among them.
    SignalExec { exec: u32, signal: i32 },
    /// End every process of a command, and say when none is left.
    End { exec: u32 },
    /// Have ready what a command takes that will be asked for, however long that takes.
    Expect,
}

/// From init to the supervisor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Report {
    /// The sandbox stands. File systems of it come along.
    Ready {
        /// What became of each of its guards.
        guards: Vec<GuardReport>,
        /// Which, before its overlays.
        shown: Shown,
    },
    /// The sandbox could not be set up, and init has ended.
    Failed(Failure),
    /// A command runs; what became of the guards that are its own.
    Started {
        /// Which.
        exec: u32,
        /// Its guards.
        guards: Vec<GuardReport>,
        /// What its processes can be told by from those of others ([`crate::mark_in_limits`]), where there may
        /// be others.
        mark: Option<u64>,
    },
    /// A command could not be started.
    NotStarted {
        /// Which.
        exec: u32,
        /// Why.
        failure: Failure,
    },
    /// A command has ended.
    Exited {
        /// Which.
        exec: u32,
        /// How.
        status: ExitStatus,
        /// What it used, with all of its processes that were reaped; of the last command of a sandbox, what
        /// all reaped processes did.
        usage: Usage,
        /// After a failure: how many other processes there were.
        others: u64,
        /// Whether the sandbox ends with it, and no process but init was left.
        over: bool,
        /// Whether no process but init is left.
        alone: bool,
        /// Whether a process of its own is left, where it may have others beside it.
        left: bool,
    },
    /// Other layers are shown, or all is as it was. Every overlay that is shown comes along.
    Remounted(Result<(), NotRemounted>),
    /// Whether other processes than init are left.
    Quiet(Result<(), NotRemounted>),
    /// No process of a command is left, as was asked for.
    Ended {
        /// Which.
        exec: u32,
    },
    /// What commands left running has ended: nothing is left but init, and none of them waits for its end.
    Alone,
    /// The project is shown as it was when it was mounted, and cannot be looked up anew without another mount.
    Stale,
    /// From the command itself: its programs wait to be looked at before they are executed
    /// ([`crate::Executions`]), and whom they ask comes along.
    Observed {
        /// Which.
        exec: u32,
    },
    /// The process that works for init, and is none of a command's, by its id inside; none any more, and its id may
    /// come to be a command's.
    Zygote(Option<u32>),
}

/// Why a sandbox shows the same as before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotRemounted {
    /// So many other processes than init are alive.
    Busy {
        /// How many.
        processes: u64,
    },
    /// The new layers could not be made ready.
    Failed(Failure),
}

/// Which file systems of a sandbox come along, one descriptor each.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Shown {
    /// What is kept in memory.
    pub memory: bool,
    /// Files and directories that were there before a command was.
    pub files: u64,
    /// The procfs.
    pub processes: bool,
    /// The table of shared memory.
    pub segments: bool,
    /// The table of semaphores.
    pub semaphores: bool,
    /// The table of message queues.
    pub messages: bool,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitStatus {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// Resources used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Microseconds of processor time in user mode.
    pub user_us: u64,
    /// Microseconds of processor time in the kernel.
    pub system_us: u64,
    /// Largest resident set of one process, in bytes.
    pub peak_process_memory: u64,
    /// Bytes that were read from disks.
    pub read_bytes: u64,
    /// Bytes that were written for disks.
    pub written_bytes: u64,
}

/// One end of a stream of messages; closed on exec.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

/// Longest message: far above the largest argument list that the kernel takes.
const LONGEST: usize = 64 << 20;
/// Descriptors that one message can carry.
pub(crate) const DESCRIPTORS: usize = 64;

impl Channel {
    /// Makes both ends.
    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)?;
        Ok((Self(one), Self(other)))
    }

    /// One end that has been received.
    pub(crate) fn of(end: OwnedFd) -> Self {
        Self(end)
    }

    /// Sends one message, with descriptors for the peer to own.
    pub(crate) fn send<T: Serialize>(&self, message: &T, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        self.send_frames(&frame(message)?, descriptors)
    }

    /// Sends messages that are bytes already, and wakes the peer once; all descriptors are of the first.
    pub(crate) fn send_frames(&self, frames: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let mut sent = rights::send(&self.0, frames, descriptors, MsgFlags::empty())?;
        while sent < frames.len() {
            sent += rights::send(&self.0, &frames[sent..], &[], MsgFlags::empty())?;
        }
        Ok(())
    }

    /// Receives one message with its descriptors; `None` when the peer has hung up, be it in the
    /// middle of a message or with some of ours unread.
    pub(crate) fn receive<T: DeserializeOwned>(&self) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
        match self.receive_message() {
            Err(error) if is_hang_up(&error) => Ok(None),
            received => received,
        }
    }

    fn receive_message<T: DeserializeOwned>(&self) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
        let mut length = [0; 4];
        let (read, descriptors) = rights::receive(&self.0, &mut length, MsgFlags::empty())?;
        if read == 0 {
            return Ok(None);
        }
        self.receive_exactly(&mut length[read..])?;
        let length = u32::from_le_bytes(length) as usize;
        if length > LONGEST {
            return Err(invalid("message too long"));
        }
        let mut body = vec![0; length];
        self.receive_exactly(&mut body)?;
        let message = postcard::from_bytes(&body).map_err(invalid)?;
        Ok(Some((message, descriptors)))
    }

    fn receive_exactly(&self, buffer: &mut [u8]) -> io::Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            match rustix::io::read(&self.0, &mut buffer[filled..])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => filled += read,
            }
        }
        Ok(())
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A message as bytes: its length in four, little-endian, and its body.
pub(crate) fn frame<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let mut frame = postcard::to_extend(message, vec![0; 4]).map_err(invalid)?;
    let length = u32::try_from(frame.len() - 4).map_err(invalid)?;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// Takes the messages out of a stream that has ended; a cut one is an error.
pub(crate) fn unframe<T: DeserializeOwned>(mut bytes: &[u8]) -> io::Result<Vec<T>> {
    let mut messages = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = u32::from_le_bytes(*length) as usize;
        let (body, rest) = rest.split_at_checked(length).ok_or(io::ErrorKind::UnexpectedEof)?;
        messages.push(postcard::from_bytes(body).map_err(invalid)?);
        bytes = rest;
    }
    Ok(messages)
}

/// How the kernel says that the peer of a stream is gone.
pub(crate) fn is_hang_up(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}

fn invalid(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_arrives_whole_with_its_descriptors() {
        let (one, other) = Channel::pair().expect("socketpair");
        let null = std::fs::File::open("/dev/null").expect("null");
        let large = vec!["x".repeat(1000); 50];
        one.send(&large, &[null.as_fd(), null.as_fd()]).expect("sent");
        let (message, descriptors) = other.receive::<Vec<String>>().expect("received").expect("one");
        assert_eq!((message, descriptors.len()), (large, 2));
        drop(one);
        assert!(other.receive::<Vec<String>>().expect("hang-up").is_none());
    }

    #[test]
    fn messages_that_are_sent_at_once_arrive_one_by_one() {
        let (one, other) = Channel::pair().expect("socketpair");
        let frames = [frame(&7u32).expect("framed"), frame(&8u32).expect("framed")].concat();
        one.send_frames(&frames, &[]).expect("sent");
        let next = || other.receive::<u32>().expect("received").expect("one").0;
        assert_eq!((next(), next()), (7, 8));
    }

    #[test]
    fn a_cut_stream_of_messages_is_an_error() {
        let bytes = [frame(&7u32).expect("framed"), frame(&8u32).expect("framed")].concat();
        assert_eq!(unframe::<u32>(&bytes).expect("whole"), [7, 8]);
        assert!(unframe::<u32>(&bytes[..bytes.len() - 1]).is_err());
    }
}
