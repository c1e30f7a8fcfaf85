//! Signals to the supervisor, read from a descriptor.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::error::Error;

/// Passed on to the command as they are.
const FORWARDED: [Signal; 6] =
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR1, Signal::SIGUSR2];
/// For the supervisor itself.
const OWN: [Signal; 3] = [Signal::SIGWINCH, Signal::SIGTSTP, Signal::SIGCONT];

/// What a signal asks for.
pub(crate) enum Asked {
    /// Hand it to the command.
    Forward(Signal),
    /// The caller's terminal has another size.
    Resize,
    /// Stop, and the command with us.
    Stop,
    /// Go on after a stop.
    Continue,
}

/// The signals that a run answers, blocked for anyone else from here on.
pub(crate) struct Signals(SignalFd);

impl Signals {
    pub(crate) fn block() -> Result<Self, Error> {
        let set: SigSet = FORWARDED.into_iter().chain(OWN).collect();
        let blocked = set
            .thread_block()
            .and_then(|()| SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK));
        blocked.map(Self).map_err(|errno| Error::System("signalfd", errno.into()))
    }

    /// Gives the signals back to the kernel's own defaults.
    pub(crate) fn release(self) {
        let set: SigSet = FORWARDED.into_iter().chain(OWN).collect();
        // Unblocking valid signals cannot fail.
        let _ = set.thread_unblock();
    }

    /// The next signal that has come, if any.
    pub(crate) fn next(&mut self) -> Option<Asked> {
        let info = self.0.read_signal().ok()??;
        Some(match Signal::try_from(info.ssi_signo as i32).ok()? {
            Signal::SIGWINCH => Asked::Resize,
            Signal::SIGTSTP => Asked::Stop,
            Signal::SIGCONT => Asked::Continue,
            signal => Asked::Forward(signal),
        })
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Stops the calling process as an unhandled SIGTSTP would; returns when it is continued.
pub(crate) fn stop_self() -> io::Result<()> {
    Ok(nix::sys::signal::raise(Signal::SIGSTOP)?)
}
