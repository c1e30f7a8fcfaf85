//! One writer of a session at a time, and who that is.

use std::fmt;
use std::os::fd::{AsFd as _, OwnedFd};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, ftruncate, openat};
use rustix::io::{Errno, pwrite};
use serde::{Deserialize, Serialize};

use crate::files::read_regular;

/// The lock's file in a session's directory.
const FILE: &str = "lock";
/// What a holder says of itself is short.
const LONGEST: usize = 4096;

/// Who holds a session, as far as it said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process.
    pub pid: Option<u32>,
    /// What it does.
    pub verb: String,
    /// Since when.
    pub since: Timestamp,
}

/// Why there is no lock.
pub(crate) enum Unlocked {
    Held(Holder),
    System(Errno),
}

/// Held until it is dropped, here and in every process that has a copy of the descriptor.
#[derive(Debug)]
pub(crate) struct Lock(OwnedFd);

impl Lock {
    /// Takes the lock of an open session directory, or says who has it.
    pub(crate) fn take(session: &OwnedFd, verb: &str) -> Result<Self, Unlocked> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(session, FILE, flags, Mode::RUSR | Mode::WUSR).map_err(Unlocked::System)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(Unlocked::Held(holder(session))),
            Err(errno) => return Err(Unlocked::System(errno)),
        }
        // That it could not be said does not make the lock less of one.
        let _ = say(&file, verb);
        Ok(Self(file))
    }

    /// For a process that is to hold it too.
    pub(crate) fn descriptor(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn say(file: &OwnedFd, verb: &str) -> Result<(), Errno> {
    let holder = Holder { pid: Some(std::process::id()), verb: verb.to_owned(), since: Timestamp::now() };
    let text = serde_json::to_vec(&holder).map_err(|_| Errno::INVAL)?;
    ftruncate(file, 0)?;
    pwrite(file, &text, 0).map(drop)
}

fn holder(session: &OwnedFd) -> Holder {
    let said = read_regular(session, FILE, LONGEST).ok();
    let holder = said.and_then(|text| serde_json::from_slice(&text).ok());
    holder.unwrap_or_else(|| Holder { pid: None, verb: "another command".into(), since: Timestamp::now() })
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => {
                write!(f, "`clearing {}` of process {pid} works on it since {:.0}", self.verb, self.since)
            }
            None => write!(f, "{} works on it", self.verb),
        }
    }
}
