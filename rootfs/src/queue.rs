//! Who may have a sandbox now: tickets of a state directory, in the order in which they were drawn.
//!
//! ```text
//!   drawn ──▶ waiting, `SEQ.waiting` locked ──▶ admitted ──▶ dropped, `SEQ` removed
//! ```
//! A ticket is a locked file, so it counts for as long as its holder lives, however that ends. Only
//! the first in the queue looks for a free place; each of the others sleeps on the lock of the one before.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, openat, unlinkat};
use rustix::io::Errno;

use crate::descent::{entries, step};
use crate::files::io_error;

/// How often the first in the queue looks for a free place.
const LOOK: Duration = Duration::from_millis(50);
/// Ends the name of what a holder has locked while it waits.
const WAITING: &str = ".waiting";

/// The right to have one sandbox, until it is dropped.
#[derive(Debug)]
pub struct Ticket {
    queue: Arc<OwnedFd>,
    number: u64,
    _lock: OwnedFd,
}

/// What to do where every place is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// Wait for as long as it takes.
    Wait,
    /// Give up at once.
    Refuse,
}

/// Why there is no ticket.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant says itself in its message")]
pub enum QueueError {
    #[error("all {limit} sandboxes of the state directory are in use, and {waiting} wait for one")]
    Busy { limit: usize, waiting: usize },
    #[error("the queue in `{}`", path.display())]
    Queue { path: PathBuf, source: io::Error },
}

/// The queue of a state directory.
pub(crate) struct Queue {
    path: PathBuf,
    directory: Arc<OwnedFd>,
}

impl Queue {
    /// The open directory of a queue; `path` is for messages.
    pub(crate) fn new(path: &Path, directory: OwnedFd) -> Self {
        Self { path: path.to_owned(), directory: Arc::new(directory) }
    }

    /// Draws a ticket, and waits where `limit` others before it are still held. `tell` hears the place in
    /// the queue, 1 being the next, whenever it is known to have changed.
    pub(crate) fn draw(
        &self,
        limit: usize,
        when_full: WhenFull,
        tell: impl FnMut(usize),
    ) -> Result<Ticket, QueueError> {
        self.try_to_draw(limit, when_full, tell).map_err(|error| match error {
            Unadmitted::Full { waiting } => QueueError::Busy { limit, waiting },
            Unadmitted::System(errno) => {
                QueueError::Queue { path: self.path.clone(), source: io_error(errno) }
            }
        })
    }

    fn try_to_draw(
        &self,
        limit: usize,
        when_full: WhenFull,
        mut tell: impl FnMut(usize),
    ) -> Result<Ticket, Unadmitted> {
        let (ticket, turn) = {
            let _alone = self.alone()?;
            let held = self.held(None, limit)?;
            let mut waiting = self.waiting(u64::MAX)?;
            waiting.retain(|number| self.is_held(&waiting_name(*number)));
            let waiting = waiting.len();
            let full = held.len() >= limit || waiting > 0;
            if full && when_full == WhenFull::Refuse {
                return Err(Unadmitted::Full { waiting });
            }
            let number = held.last().map_or(0, |last| last + 1);
            let ticket = self.ticket(number)?;
            (ticket, if full { Some(self.turn(number)?) } else { None })
        };
        if let Some(turn) = turn {
            self.wait(&ticket, limit, &mut tell)?;
            drop(turn);
            let _ = unlinkat(&self.directory, waiting_name(ticket.number), AtFlags::empty());
        }
        Ok(ticket)
    }

    /// Until no one before waits, and fewer than `limit` before are held.
    fn wait(&self, ticket: &Ticket, limit: usize, tell: &mut impl FnMut(usize)) -> Result<(), Errno> {
        let mut told = 0;
        loop {
            let before = self.waiting(ticket.number)?;
            if told != before.len() + 1 {
                told = before.len() + 1;
                tell(told);
            }
            let Some(next) = before.last() else { break };
            self.outwait(*next)?;
        }
        while self.count_before(ticket.number, limit)? >= limit {
            sleep(LOOK);
        }
        Ok(())
    }

    fn count_before(&self, number: u64, limit: usize) -> Result<usize, Errno> {
        let _alone = self.alone()?;
        Ok(self.held(Some(number), limit)?.len())
    }

    /// Sleeps until that one waits no more.
    fn outwait(&self, number: u64) -> Result<(), Errno> {
        match self.open(&waiting_name(number), OFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            turn => {
                while flock(turn.as_ref().map_err(|errno| *errno)?, FlockOperation::LockShared)
                    == Err(Errno::INTR)
                {}
                // Its holder may have died without taking it away.
                let _ = unlinkat(&self.directory, waiting_name(number), AtFlags::empty());
                Ok(())
            }
        }
    }

    /// Keeps all others from drawing and collecting, for as long as the result lives.
    fn alone(&self) -> Result<OwnedFd, Errno> {
        let alone = step(&self.directory, c".")?;
        flock(&alone, FlockOperation::LockExclusive)?;
        Ok(alone)
    }

    /// The tickets below `end`, lowest first. Where there are `limit` or more those of the dead are
    /// collected first.
    fn held(&self, end: Option<u64>, limit: usize) -> Result<Vec<u64>, Errno> {
        let mut numbers = self.numbers("")?;
        numbers.retain(|number| end.is_none_or(|end| *number < end));
        if numbers.len() >= limit {
            numbers.retain(|number| self.is_held(&name(*number)));
        }
        Ok(numbers)
    }

    /// Whether its holder lives; else it is taken away.
    fn is_held(&self, name: &CStr) -> bool {
        let locked = self
            .open(name, OFlags::empty())
            .and_then(|file| flock(&file, FlockOperation::NonBlockingLockExclusive));
        if locked.is_ok() {
            let _ = unlinkat(&self.directory, name, AtFlags::empty());
        }
        locked == Err(Errno::WOULDBLOCK)
    }

    /// Those below `end` that wait, first come first.
    fn waiting(&self, end: u64) -> Result<Vec<u64>, Errno> {
        let mut numbers = self.numbers(WAITING)?;
        numbers.retain(|number| *number < end);
        Ok(numbers)
    }

    fn numbers(&self, ending: &str) -> Result<Vec<u64>, Errno> {
        let list = entries(step(&self.directory, c".")?.as_fd())?;
        let number = |name: &CStr| u64::from_str_radix(name.to_str().ok()?.strip_suffix(ending)?, 16).ok();
        let mut numbers: Vec<u64> = list.iter().filter_map(|entry| number(&entry.name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn ticket(&self, number: u64) -> Result<Ticket, Errno> {
        let lock = self.locked(&name(number))?;
        Ok(Ticket { queue: Arc::clone(&self.directory), number, _lock: lock })
    }

    fn turn(&self, number: u64) -> Result<OwnedFd, Errno> {
        self.locked(&waiting_name(number))
    }

    fn locked(&self, name: &CStr) -> Result<OwnedFd, Errno> {
        let file = self.open(name, OFlags::CREATE)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(file)
    }

    fn open(&self, name: &CStr, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(&self.directory, name, flags, Mode::RUSR | Mode::WUSR)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // One that stays is nobody's once its lock is gone, and collected by the next.
        let _ = unlinkat(&self.queue, name(self.number), AtFlags::empty());
    }
}

impl QueueError {
    /// What the caller can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Busy { .. } => Some("leave out --no-wait to wait in the queue, or raise --max-sandboxes"),
            Self::Queue { .. } => None,
        }
    }
}

enum Unadmitted {
    Full { waiting: usize },
    System(Errno),
}

impl From<Errno> for Unadmitted {
    fn from(errno: Errno) -> Self {
        Self::System(errno)
    }
}

fn name(number: u64) -> CString {
    c_string(format!("{number:016x}"))
}

fn waiting_name(number: u64) -> CString {
    c_string(format!("{number:016x}{WAITING}"))
}

fn c_string(name: String) -> CString {
    CString::new(name).unwrap_or_default()
}

#[cfg(test)]
mod tests;
