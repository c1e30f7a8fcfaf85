//! Descriptors: the server may have as many as the hard limit allows, and begins nothing with the last of them.

use std::os::fd::OwnedFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{Dir, Mode, OFlags, fstat, open};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::protocol::Fault;

/// What has descriptors for as long as it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taker {
    Session,
    Exec,
    Client,
}

/// Descriptors that somebody is about to take, and nobody else meanwhile.
pub(crate) struct Promised(u64);

/// By all.
static PROMISED: AtomicU64 = AtomicU64::new(0);
/// So many are left to what is there already: for its work, and for output that goes to the disk.
const LEFT: u64 = 64;
/// Of few it is this part of all.
const PART: u64 = 8;
/// Ours.
const OPEN: &str = "/proc/self/fd";
/// The same, once somebody has asked for it: to find it takes the kernel longer than to count.
static DIRECTORY: OnceLock<OwnedFd> = OnceLock::new();
/// What is listed there besides: `.`, `..` and the listing's own.
const NOT_OURS: u64 = 3;

/// Raises the limit of this process to the hard one. What was forked before, as every sandbox is by the launcher, keeps
/// the one that it had.
pub(super) fn raise_limit() {
    // While there are some left.
    let _ = directory();
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    if let Err(errno) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        super::log(&format!("setrlimit(RLIMIT_NOFILE): {errno}: there are no more descriptors than before"));
    }
}

/// Promises what one more takes, or refuses it where that could leave those that are there without.
pub(crate) fn promise(taker: Taker) -> Result<Promised, Fault> {
    let promised = Promised::new(taker.takes());
    let (Some(limit), Some(open)) = (getrlimit(Resource::Nofile).current, number()) else {
        return Ok(promised);
    };
    if open + PROMISED.load(Ordering::Relaxed) + LEFT.min(limit / PART) <= limit {
        return Ok(promised);
    }
    let why =
        format!("{open} of the {limit} descriptors of this server are open: too many for {}", taker.word());
    Err(Fault::refused("CLR-DESCRIPTORS", why).with_hint(
        "`session/destroy` what is not needed, or begin the server with a greater hard limit of open files \
         (`ulimit -Hn`, `LimitNOFILE=` of a unit)",
    ))
}

/// How many are open; none where nobody can tell.
fn number() -> Option<u64> {
    match fstat(directory()?).ok()?.st_size {
        // Before Linux 6.2: the size says nothing.
        0 => {
            let listed = open(OPEN, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
            let listed = listed.and_then(Dir::read_from).ok()?;
            Some((listed.count() as u64).saturating_sub(NOT_OURS))
        }
        number => number.try_into().ok(),
    }
}

fn directory() -> Option<&'static OwnedFd> {
    if DIRECTORY.get().is_none() {
        let opened = open(OPEN, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        // Of two that are opened at once one is closed.
        let _ = DIRECTORY.set(opened.ok()?);
    }
    DIRECTORY.get()
}

impl Promised {
    fn new(number: u64) -> Self {
        PROMISED.fetch_add(number, Ordering::Relaxed);
        Self(number)
    }
}

impl Drop for Promised {
    fn drop(&mut self) {
        PROMISED.fetch_sub(self.0, Ordering::Relaxed);
    }
}

impl Taker {
    /// At most, while it begins.
    fn takes(self) -> u64 {
        match self {
            Self::Session => 32,
            Self::Exec => 16,
            Self::Client => 2,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Session => "another session",
            Self::Exec => "another command",
            Self::Client => "another client",
        }
    }
}
