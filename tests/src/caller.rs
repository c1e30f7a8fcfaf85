//! Who calls `clearing`: root and an ordinary user, as far as they can be had.

use std::env;
use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::unistd::{getegid, geteuid};

/// A bare number: no account has to exist for it.
const ORDINARY_ID: u32 = 54_321;

/// Where a program is looked for by a caller whose own search path cannot be known.
pub(crate) const PLAIN_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The user who starts `clearing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// User 0.
    Root,
    /// Any other user, without capabilities and without further groups.
    Ordinary,
}

impl Caller {
    /// Every caller that these proofs can be run for.
    ///
    /// Root can become anybody; an ordinary user stays who they are.
    pub fn all() -> &'static [Self] {
        if geteuid().is_root() { &[Self::Root, Self::Ordinary] } else { &[Self::Ordinary] }
    }

    /// The caller's user id on the host.
    pub fn uid(self) -> u32 {
        match self {
            Self::Root => 0,
            Self::Ordinary if geteuid().is_root() => ORDINARY_ID,
            Self::Ordinary => geteuid().as_raw(),
        }
    }

    /// The caller's group id on the host.
    pub fn gid(self) -> u32 {
        match self {
            Self::Root => 0,
            Self::Ordinary if geteuid().is_root() => ORDINARY_ID,
            Self::Ordinary => getegid().as_raw(),
        }
    }

    /// Whether the proofs themselves run as this caller.
    pub fn is_myself(self) -> bool {
        self.uid() == geteuid().as_raw()
    }

    /// A command that runs as this caller on the bare host, with a plain environment in `home`.
    pub fn command(self, program: impl AsRef<OsStr>, home: &Path) -> Command {
        let name = if self == Self::Root { "root" } else { "ordinary" };
        let mut command = Command::new(program);
        command.env_clear().env("PATH", PLAIN_PATH).env("HOME", home).env("USER", name).env("LOGNAME", name);
        command.env("LANG", "C.UTF-8");
        if !self.is_myself() {
            // The standard library leaves all further groups when root takes another user id.
            command.uid(self.uid()).gid(self.gid());
        }
        command
    }
}

/// Whether the proofs are asked for as an ordinary user alone (`CLEARING_TEST_CALLERS=ordinary`), because
/// what is proved is what the host gives to one: then root is not missing.
fn is_ordinary_alone_asked_for() -> bool {
    env::var_os("CLEARING_TEST_CALLERS").is_some_and(|callers| callers == "ordinary")
}

/// Runs `proof` once for each caller that can be had, and says aloud which could not.
pub fn for_each_caller(proof: impl Fn(Caller)) {
    for &caller in Caller::all() {
        eprintln!("as {caller:?}:");
        proof(caller);
    }
    if !Caller::all().contains(&Caller::Root) && !is_ordinary_alone_asked_for() {
        skip("as Root: the proofs were not started by root");
    }
}

/// Says aloud that the kernel or the host has nothing that a proof, or its control, could be made with.
/// No installation mends that, so it is never a failure.
pub fn absent(reason: &str) {
    say_skipped(reason);
}

/// Says, even where the test runner captures output, that something was not proved and why.
///
/// # Panics
///
/// If `CLEARING_TEST_NO_SKIPS` is set: then nothing may go unproved.
pub fn skip(reason: &str) {
    assert!(env::var_os("CLEARING_TEST_NO_SKIPS").is_none(), "skipped, and no skips are allowed: {reason}");
    say_skipped(reason);
}

fn say_skipped(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a proof").to_owned();
    // Straight to the handle: `println!` would be swallowed for a test that passes.
    let _ = writeln!(std::io::stdout(), "SKIPPED {test}: {reason}");
}
