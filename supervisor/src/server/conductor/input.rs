//! What a command is to read: kept until its pipe takes it, which nobody but the sender waits for.

use std::collections::VecDeque;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;

use super::Conductor;
use crate::protocol::{Fault, Nothing};
use crate::server::reply::Reply;

/// The standard input of a command.
#[derive(Default)]
pub(super) struct Input {
    to: To,
    waiting: VecDeque<Written>,
    /// Bytes of it.
    bytes: usize,
}

#[derive(Default)]
enum To {
    /// There is none, or it is closed.
    #[default]
    Nothing,
    /// A terminal that is not there yet.
    Expected,
    Pipe(OwnedFd),
    Terminal(Arc<OwnedFd>),
}

struct Written {
    bytes: Vec<u8>,
    done: usize,
    /// Closes it afterwards.
    is_end: bool,
    reply: Reply<Nothing>,
}

/// So much is kept for a command that does not read.
const MOST: usize = 32 << 20;
/// What a terminal takes for the end, unless somebody set it otherwise.
const END_OF_FILE: u8 = 4;

impl Input {
    pub(super) fn pipe(to: OwnedFd) -> Self {
        Self { to: To::Pipe(to), ..Self::default() }
    }

    pub(super) fn of_terminal() -> Self {
        Self { to: To::Expected, ..Self::default() }
    }

    pub(super) fn attach(&mut self, terminal: Arc<OwnedFd>) {
        if matches!(self.to, To::Expected) {
            self.to = To::Terminal(terminal);
        }
    }

    /// Whether it is a terminal that is not there yet.
    pub(super) fn is_expected(&self) -> bool {
        matches!(self.to, To::Expected)
    }

    pub(super) fn has_something(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn to(&self) -> Option<BorrowedFd<'_>> {
        match &self.to {
            To::Pipe(to) => Some(to.as_fd()),
            To::Terminal(to) => Some(to.as_fd()),
            To::Nothing | To::Expected => None,
        }
    }

    /// Keeps bytes until they are taken; `is_end` closes it then.
    pub(super) fn write(&mut self, bytes: Vec<u8>, is_end: bool, mut reply: Reply<Nothing>) {
        if matches!(self.to, To::Nothing) {
            let said = if is_end { Ok(Nothing {}) } else { Err(closed()) };
            return reply.send(said);
        }
        if self.bytes + bytes.len() > MOST {
            return reply.send(Err(full(&format!("{} bytes wait for the command", self.bytes))));
        }
        if !reply.become_input(bytes.len()) {
            return reply.send(Err(full("too many bytes wait for all commands of this connection")));
        }
        let bytes = match &self.to {
            To::Terminal(_) | To::Expected if is_end => vec![END_OF_FILE],
            _ => bytes,
        };
        self.bytes += bytes.len();
        self.waiting.push_back(Written { bytes, done: 0, is_end, reply });
        self.hand_on();
    }

    /// Writes what is taken now.
    pub(super) fn hand_on(&mut self) {
        while let Some(written) = self.waiting.front_mut() {
            let to = match &self.to {
                To::Pipe(to) => to.as_fd(),
                To::Terminal(to) => to.as_fd(),
                To::Nothing => return self.close(),
                To::Expected => return,
            };
            let left = &written.bytes[written.done..];
            match if left.is_empty() { Ok(0) } else { rustix::io::write(to, left) } {
                Ok(length) => {
                    written.done += length;
                    self.bytes -= length;
                }
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return,
                Err(_) => return self.close(),
            }
            if written.done == written.bytes.len()
                && let Some(written) = self.waiting.pop_front()
            {
                if written.is_end && matches!(self.to, To::Pipe(_)) {
                    self.to = To::Nothing;
                }
                written.reply.send(Ok(Nothing {}));
            }
        }
    }

    /// Forgets what was cancelled; what the command has of it by now it keeps.
    pub(super) fn forget_cancelled(&mut self) {
        let (cancelled, waiting): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|written| written.reply.is_cancelled());
        self.waiting = waiting;
        for Written { bytes, done, reply, .. } in cancelled {
            self.bytes -= bytes.len() - done;
            reply.send(Err(Fault::cancelled()));
        }
    }

    /// Nobody reads it any more.
    pub(super) fn close(&mut self) {
        self.to = To::Nothing;
        self.bytes = 0;
        for Written { is_end, reply, .. } in std::mem::take(&mut self.waiting) {
            reply.send(if is_end { Ok(Nothing {}) } else { Err(closed()) });
        }
    }
}

fn closed() -> Fault {
    Fault::refused("CLR-STDIN-CLOSED", "nobody reads the standard input of this exec")
        .with_hint("`\"stdin\": \"open\"` in `exec/start` gives it one")
}

fn full(what: &str) -> Fault {
    Fault::refused("CLR-STDIN-FULL", format!("{what} to read them"))
        .with_hint("wait for the answers to what you wrote before")
}

impl Conductor {
    /// Has input go to a command, unless whoever wrote it thinks better of it before it is taken.
    pub(super) fn hand_to(&mut self, exec: &str, bytes: Vec<u8>, is_end: bool, reply: Reply<Nothing>) {
        let Some((number, found)) = self.execs.by_name(exec) else {
            return reply.send(Err(Fault::unknown_exec(exec)));
        };
        let handle = Arc::downgrade(&self.handle);
        reply.when_cancelled(move || {
            let forget = move |on: &mut Self| {
                on.execs.get(number).into_iter().for_each(|exec| exec.input.forget_cancelled());
            };
            handle.upgrade().into_iter().for_each(|handle| handle.order(forget));
        });
        found.input.write(bytes, is_end, reply);
    }

    /// Hands on input to those whose pipes have room.
    pub(super) fn feed(&mut self, ready: &[u32]) {
        for number in ready {
            if let Some(exec) = self.execs.get(*number) {
                exec.input.hand_on();
            }
        }
    }
}
