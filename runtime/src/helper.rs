//! Short-lived forked processes that do one thing for the supervisor.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use nix::sys::stat::Mode;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout, setsid};

use crate::birth::Born;
use crate::confine::exit;
use crate::descriptors::close_all_but;
use crate::launcher::{self, Errand};
use crate::sys::{Forked, fork};

/// What a helper can be asked for wherever it is forked: it is given words of the caller's, and descriptors.
pub type Work = fn(&[u8], Vec<OwnedFd>);

static WORKS: OnceLock<&'static [Work]> = OnceLock::new();

/// Makes works known, which [`Helper::work`] then names by their numbers. Once, and before a launcher is started.
///
/// False if there are others already.
pub fn register_works(works: &'static [Work]) -> bool {
    WORKS.set(works).is_ok()
}

/// A forked process at work.
#[derive(Debug)]
pub struct Helper {
    born: Born,
    /// The launcher's child is reaped by it.
    is_ours: bool,
}

impl Helper {
    /// Runs `work` in a fork of the calling process, which must have one thread. All signals are
    /// blocked there, and of all descriptors it has only `kept`, since nobody waits for it and many for the end of
    /// a pipe. It leads a session of its own, so that what kills the caller's process group spares it.
    pub fn fork(kept: &[BorrowedFd<'_>], work: impl FnOnce()) -> io::Result<Self> {
        let born = fork_helper(|| {
            if close_all_but(kept.iter().copied()).is_ok() {
                work();
            }
        });
        born.map(|born| Self { born, is_ours: true })
    }

    /// Runs the work of this number ([`register_works`]; `ENOENT`) in such a process, of a process with one
    /// thread or of one that has a launcher ([`crate::launcher`]). It has copies of `kept`, in their order.
    pub fn work(number: u32, words: &[u8], kept: &[BorrowedFd<'_>]) -> io::Result<Self> {
        if find(number).is_none() {
            return Err(io::ErrorKind::NotFound.into());
        }
        if launcher::running().is_some() {
            return Self::of_launcher(&Errand::Work { number, words: words.to_owned() }, kept);
        }
        let copies = kept.iter().map(BorrowedFd::try_clone_to_owned).collect::<io::Result<Vec<_>>>()?;
        let born = fork_helper(|| work_with(copies, |copies| self::work(number, words, copies)))?;
        Ok(Self { born, is_ours: true })
    }

    /// Has the launcher fork it.
    pub(crate) fn of_launcher(errand: &Errand, kept: &[BorrowedFd<'_>]) -> io::Result<Self> {
        let launcher = launcher::running().ok_or(Errno::ESRCH)?;
        let forked = launcher.fork(errand, kept);
        let born = forked.map_err(|failure| io::Error::from_raw_os_error(failure.errno))?;
        Ok(Self { born, is_ours: false })
    }

    /// Waits for its end.
    pub fn wait(self) {
        if self.is_ours {
            // Fails only when it has been reaped already.
            let _ = waitpid(self.born.pid, None);
            return;
        }
        let mut polled = [PollFd::new(self.born.pidfd.as_fd(), PollFlags::POLLIN)];
        while poll(&mut polled, PollTimeout::NONE) == Err(Errno::EINTR) {}
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        if self.is_ours {
            // It may go on after us; what has ended already is reaped.
            let _ = waitpid(self.born.pid, Some(WaitPidFlag::WNOHANG));
        }
    }
}

/// Forks the calling process as [`Helper::fork`] says. Closing descriptors is left to the work, and reaping to
/// who asks.
pub(crate) fn fork_helper(work: impl FnOnce()) -> io::Result<Born> {
    match fork()? {
        Forked::Parent { child, pidfd } => Ok(Born { pid: child, pidfd }),
        Forked::Child => {
            if stand_alone().is_ok() {
                work();
            }
            exit(0)
        }
    }
}

/// Closes all descriptors but these, and does a work with them.
pub(crate) fn work_with(handed: Vec<OwnedFd>, work: impl FnOnce(Vec<OwnedFd>)) {
    if close_all_but(handed.iter().map(|fd| fd.as_fd())).is_ok() {
        work(handed);
    }
}

/// Does a work in the calling process.
pub(crate) fn work(number: u32, words: &[u8], handed: Vec<OwnedFd>) {
    if let Some(work) = find(number) {
        work(words, handed);
    }
}

fn find(number: u32) -> Option<Work> {
    WORKS.get().and_then(|works| works.get(number as usize)).copied()
}

/// Leaves the caller's session and its standard streams, with all signals blocked.
pub(crate) fn stand_alone() -> nix::Result<()> {
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)?;
    setsid()?;
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)
}
