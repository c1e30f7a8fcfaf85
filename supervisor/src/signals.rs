//! Signals to the supervisor, read from a descriptor.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use clearing_runtime::is_ignored;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
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

/// The number of a signal, by its name with or without `SIG`.
pub(crate) fn number(name: &str) -> Option<i32> {
    let name = if name.starts_with("SIG") { name.to_owned() } else { format!("SIG{name}") };
    name.parse::<Signal>().ok().map(|signal| signal as i32)
}

/// The names of all signals, without `SIG`.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    Signal::iterator().map(|signal| signal.as_str().trim_start_matches("SIG"))
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
    /// All of them; waited for and never read.
    waiting: SignalFd,
    /// All but SIGTSTP.
    others: SignalFd,
    /// SIGTSTP, never read: the kernel itself takes back a stop that is still pending when SIGCONT comes.
    stop: SignalFd,
}

impl Signals {
    /// What the caller ignores stays ignored: blocked, it would be delivered all the same.
    pub(crate) fn block() -> Result<Self, Error> {
        let wanted = FORWARDED.into_iter().chain(OWN).filter(|signal| !is_ignored(*signal as i32));
        let (answered, stop) = (SigSet::from_iter(wanted), SigSet::from_iter([Signal::SIGTSTP]));
        let others = answered.into_iter().filter(|signal| *signal != Signal::SIGTSTP).collect();
        let opened = answered
            .thread_block()
            .and_then(|()| Ok((descriptor(&answered)?, descriptor(&others)?, descriptor(&stop)?)));
        let (waiting, others, stop) = opened.map_err(|errno| Error::System("signalfd", errno.into()))?;
        Ok(Self { answered, waiting, others, stop })
    }

    /// Gives the signals back to the kernel's own defaults.
    pub(crate) fn release(self) {
        // Unblocking valid signals cannot fail.
        let _ = self.answered.thread_unblock();
    }

    /// The next signal that has come, if any. [`Asked::Stop`] comes until [`stop_self`].
    pub(crate) fn next(&mut self) -> Option<Asked> {
        let Some(info) = self.others.read_signal().ok()? else {
            return self.stop_is_pending().then_some(Asked::Stop);
        };
        Some(match Signal::try_from(info.ssi_signo as i32).ok()? {
            Signal::SIGWINCH => Asked::Resize,
            Signal::SIGCONT => Asked::Continue,
            signal => Asked::Forward(signal),
        })
    }

    fn stop_is_pending(&self) -> bool {
        let mut polled = [PollFd::new(self.stop.as_fd(), PollFlags::POLLIN)];
        poll(&mut polled, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }
}

fn descriptor(signals: &SigSet) -> nix::Result<SignalFd> {
    SignalFd::with_flags(signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.waiting.as_fd()
    }
}

/// Lets the SIGTSTP that waits stop the calling process: until it is continued, and not at all in an
/// orphaned process group, where nobody would continue it, or when SIGCONT has come meanwhile.
pub(crate) fn stop_self() -> io::Result<()> {
    let stop = SigSet::from_iter([Signal::SIGTSTP]);
    stop.thread_unblock()?;
    stop.thread_block()?;
    Ok(())
}
