//! Short-lived forked processes that do one thing for the supervisor.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, setsid};

use crate::confine::exit;
use crate::descriptors::close_all_but;
use crate::sys::{Forked, fork};

/// A forked process at work.
pub struct Helper {
    child: Pid,
    _pidfd: OwnedFd,
}

impl Helper {
    /// Runs `work` in a fork of the calling process, which must have one thread. All signals are
    /// blocked there, and of the descriptors above the standard three it has only `kept`. It leads a
    /// session of its own, so that what kills the caller's process group spares it.
    pub fn fork(kept: &[BorrowedFd<'_>], work: impl FnOnce()) -> io::Result<Self> {
        match fork()? {
            Forked::Parent { child, pidfd } => Ok(Self { child, _pidfd: pidfd }),
            Forked::Child => {
                let alone = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None).and(setsid());
                if alone.is_ok() && close_all_but(kept.iter().copied()).is_ok() {
                    work();
                }
                exit(0)
            }
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It may go on after us; what has ended already is reaped.
        let _ = waitpid(self.child, Some(WaitPidFlag::WNOHANG));
    }
}
