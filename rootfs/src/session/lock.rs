//! One writer of a session at a time, and who that is.

use std::fmt;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, ftruncate, openat};
use rustix::io::{Errno, pwrite};
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

use crate::files::read_regular;

/// The lock's file in a session's directory.
const FILE: &str = "lock";
/// What a holder says of itself is short.
const LONGEST: usize = 4096;

/// How long a holder that has ended, or says that it gives the session up, may take to clear up: its sandbox ends with
/// it, and a process of its own waits for the mounts to go.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one that goes on may take. Between `fork` and `execve` a child has all that its parent has, also a
/// lock that the parent has given up meanwhile.
const MOMENT: Duration = Duration::from_millis(200);
/// Until the next look.
const PAUSE: Duration = Duration::from_millis(2);

/// Where this process listens.
static LISTENS_AT: OnceLock<PathBuf> = OnceLock::new();

/// Says in every lock that this process takes from now on where it listens for those who want something of what it
/// holds.
pub fn listens_at(socket: &Path) {
    // A process has one such place.
    let _ = LISTENS_AT.set(socket.to_owned());
}

/// Who holds a session, as far as it said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process.
    pub pid: Option<u32>,
    /// What it does.
    pub verb: String,
    /// Since when.
    pub since: Timestamp,
    /// Where it listens, if it does for others what they want of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
    /// Whether it is about to give the session up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaves: bool,
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
    /// Takes the lock of an open session directory, or says who has it. One who is only clearing up is waited for.
    pub(crate) fn take(session: &OwnedFd, verb: &str) -> Result<Self, Unlocked> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(session, FILE, flags, Mode::RUSR | Mode::WUSR).map_err(Unlocked::System)?;
        let begun = Instant::now();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK) => {}
                Err(errno) => return Err(Unlocked::System(errno)),
            }
            let holder = holder(session);
            let patience = if holder.lives() && !holder.leaves { MOMENT } else { PATIENCE };
            if begun.elapsed() > patience {
                return Err(Unlocked::Held(holder));
            }
            sleep(PAUSE);
        }
        // That it could not be said does not make the lock less of one.
        let _ = say(&file, verb);
        Ok(Self(file))
    }

    /// Who holds the lock of an open session directory now, if anybody does.
    pub(crate) fn held(session: &OwnedFd) -> Option<Holder> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(session, FILE, flags, Mode::empty()).ok()?;
        // Shared, and given up at once: whoever takes the lock just now looks again after a pause.
        let locked = flock(&file, FlockOperation::NonBlockingLockShared);
        (locked == Err(Errno::WOULDBLOCK)).then(|| holder(session))
    }

    /// Says anew what it is held for, and since now.
    pub(crate) fn go_on(&self, verb: &str) {
        // As in the beginning: it is a lock all the same.
        let _ = Holder::of_this_process(verb).text().and_then(|text| self.overwrite(text));
    }

    /// Says that `verb` is about to give it up: whoever wants it waits for that.
    pub(crate) fn leave(&self, verb: &str) {
        let leaving = Holder { leaves: true, ..Holder::of_this_process(verb) };
        let _ = leaving.text().and_then(|text| self.overwrite(text));
    }

    /// What was said before is overwritten by blanks: to shorten a file takes ten times as long.
    fn overwrite(&self, mut text: Vec<u8>) -> Result<(), Errno> {
        let length = usize::try_from(fstat(&self.0)?.st_size).unwrap_or(0);
        text.resize(text.len().max(length.min(LONGEST)), b' ');
        pwrite(&self.0, &text, 0).map(drop)
    }

    /// For a process that is to hold it too.
    pub(crate) fn descriptor(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn say(file: &OwnedFd, verb: &str) -> Result<(), Errno> {
    let text = Holder::of_this_process(verb).text()?;
    ftruncate(file, 0)?;
    pwrite(file, &text, 0).map(drop)
}

fn holder(session: &OwnedFd) -> Holder {
    let said = read_regular(session, FILE, LONGEST).ok();
    let holder = said.and_then(|text| serde_json::from_slice(&text).ok());
    let (verb, since) = ("another command".into(), Timestamp::now());
    holder.unwrap_or(Holder { pid: None, verb, since, socket: None, leaves: false })
}

impl Holder {
    fn of_this_process(verb: &str) -> Self {
        Self {
            pid: Some(std::process::id()),
            verb: verb.to_owned(),
            since: Timestamp::now(),
            socket: LISTENS_AT.get().cloned(),
            leaves: false,
        }
    }

    fn text(&self) -> Result<Vec<u8>, Errno> {
        serde_json::to_vec(self).map_err(|_| Errno::INVAL)
    }

    /// Whether the process that took the lock is still there. One that has not said who it is may be.
    pub(crate) fn lives(&self) -> bool {
        let pid = self.pid.and_then(|pid| Pid::from_raw(pid.cast_signed()));
        pid.is_none_or(|pid| test_kill_process(pid) != Err(Errno::SRCH))
    }
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
