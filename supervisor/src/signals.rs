//! Signals to the supervisor, read from a descriptor.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use clearing_runtime::is_ignored;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::error::Error;

/// Passed on to the command as they are.
const FORWARDED: [Signal; 6] =
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR1, Signal::SIGUSR2];
/// For the supervisor itself.
const OWN: [Signal; 3] = [Signal::SIGWINCH, Signal::SIGTSTP, Signal::SIGCONT];

/// Makes a file that may not grow (`RLIMIT_FSIZE`) an error of the write, and not our end.
pub(crate) fn survive_file_limits() {
    let set: SigSet = [Signal::SIGXFSZ].into_iter().collect();
    // Blocking a valid signal cannot fail.
    let _ = set.thread_block();
}

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
pub(crate) struct Signals {
    answered: SigSet,
    waiting: SignalFd,
}

impl Signals {
    /// What the caller ignores stays ignored: blocked, it would be delivered all the same.
    pub(crate) fn block() -> Result<Self, Error> {
        let wanted = FORWARDED.into_iter().chain(OWN).filter(|signal| !is_ignored(*signal as i32));
        let answered: SigSet = wanted.collect();
        let blocked = answered
            .thread_block()
            .and_then(|()| SignalFd::with_flags(&answered, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK));
        let waiting = blocked.map_err(|errno| Error::System("signalfd", errno.into()))?;
        Ok(Self { answered, waiting })
    }

    /// Gives the signals back to the kernel's own defaults.
    pub(crate) fn release(self) {
        // Unblocking valid signals cannot fail.
        let _ = self.answered.thread_unblock();
    }

    /// The next signal that has come, if any.
    pub(crate) fn next(&mut self) -> Option<Asked> {
        let info = self.waiting.read_signal().ok()??;
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
        self.waiting.as_fd()
    }
}

/// Stops the calling process as an unhandled SIGTSTP does: until it is continued, and not at all in
/// an orphaned process group, where nobody would continue it.
///
/// A SIGCONT that has come meanwhile would be discarded by the kernel, and the stop be for good; the
/// process is not stopped then, and the result is `true`.
pub(crate) fn stop_self() -> io::Result<bool> {
    let [stop, go_on] = [Signal::SIGTSTP, Signal::SIGCONT].map(|signal| SigSet::from_iter([signal]));
    let waiting = SignalFd::with_flags(&go_on, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    if waiting.read_signal()?.is_some() {
        return Ok(true);
    }
    nix::sys::signal::raise(Signal::SIGTSTP)?;
    stop.thread_unblock()?;
    stop.thread_block()?;
    Ok(false)
}
