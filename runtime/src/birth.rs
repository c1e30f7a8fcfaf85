//! How init comes into the world, and how it leaves it.
//!
//! It is a child of the supervisor, or of the supervisor's launcher, which then is the one that reaps it.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use rustix::process::pidfd_send_signal;

use crate::channel::Channel;
use crate::error::{AtStage as _, Failure, Stage};
use crate::launcher::{self, Launcher};
use crate::processors::Processors;
use crate::spec::{Birth, Identity};
use crate::sys::{Forked, clone3_into};
use crate::{bare, family, idmap, init, namespaces};

/// PID 1 of a sandbox. Dropping it ends it, and with it every process there.
#[derive(Debug)]
pub(crate) struct Init {
    born: Born,
    /// The first process of a PID namespace, with which the kernel ends all others.
    is_first: bool,
    /// Whose child it is, if not ours.
    launcher: Option<&'static Launcher>,
}

/// A new process.
#[derive(Debug)]
pub(crate) struct Born {
    pub(crate) pid: Pid,
    /// Readable when it has ended, whoever reaps it.
    pub(crate) pidfd: OwnedFd,
}

/// How long an init without a namespace may take to end its family.
const PATIENCE: u16 = 5000;

impl Init {
    /// Makes one at the other end of `supervisor`, in the control group whose directory is `group`.
    pub(crate) fn born(
        birth: &Birth,
        supervisor: Channel,
        group: Option<BorrowedFd<'_>>,
    ) -> Result<Self, Failure> {
        let launcher = launcher::running();
        let born = match launcher {
            Some(launcher) => launcher.launch(birth, &supervisor, group)?,
            None => bear(birth, supervisor, group, Processors::of_caller().as_ref())?,
        };
        Ok(Self { born, is_first: matches!(birth, Birth::Namespaces(_)), launcher })
    }

    /// Its id in the caller's PID namespace.
    pub(crate) fn id(&self) -> u32 {
        self.born.pid.as_raw().unsigned_abs()
    }

    fn end(&self) -> io::Result<()> {
        if self.is_first {
            return self.kill();
        }
        // It ends its family first. One that the launcher has reaped had no time to, maybe.
        let signalled = pidfd_send_signal(&self.born.pidfd, rustix::process::Signal::TERM);
        if self.launcher.is_none() {
            signalled?;
        }
        let ended = signalled.is_err() || self.has_ended_within(PollTimeout::from(PATIENCE))?;
        match self.launcher {
            Some(launcher) => {
                let killed = if ended { Ok(()) } else { self.kill() };
                // What is left of its family is the launcher's now.
                let _ = launcher.bury(self.born.pid);
                killed
            }
            None if ended && waitpid(self.born.pid, None)? == WaitStatus::Exited(self.born.pid, 0) => Ok(()),
            None => {
                // Whatever stopped it, or ended it before its time, its family is ours now.
                let killed = if ended { Ok(()) } else { self.kill() };
                family::end_adopted();
                killed
            }
        }
    }

    fn kill(&self) -> io::Result<()> {
        pidfd_send_signal(&self.born.pidfd, rustix::process::Signal::KILL)?;
        match self.launcher {
            None => waitpid(self.born.pid, None).map(drop)?,
            Some(_) => drop(self.has_ended_within(PollTimeout::NONE)?),
        }
        Ok(())
    }

    fn has_ended_within(&self, time: PollTimeout) -> io::Result<bool> {
        let mut polled = [PollFd::new(self.born.pidfd.as_fd(), PollFlags::POLLIN)];
        loop {
            match poll(&mut polled, time) {
                Err(nix::errno::Errno::EINTR) => {}
                ready => return Ok(ready? > 0),
            }
        }
    }
}

impl Drop for Init {
    fn drop(&mut self) {
        // Both fail only when init has been reaped already.
        let _ = self.end();
    }
}

/// Clones init out of the calling process, which must have one thread, and gives it its ids.
pub(crate) fn bear(
    birth: &Birth,
    supervisor: Channel,
    group: Option<BorrowedFd<'_>>,
    processors: Option<&Processors>,
) -> Result<Born, Failure> {
    let flags = flags_of(birth)?;
    match clone3_into(flags, group).at(Stage::Clone, || format!("clone3({flags:#x})"))? {
        Forked::Child => match *birth {
            Birth::Namespaces(namespaces) => init::run(namespaces, supervisor, processors),
            Birth::Bare(bare) => bare::run(bare, supervisor, processors),
        },
        Forked::Parent { child, pidfd } => {
            processors.iter().for_each(|processors| processors.part_with(child));
            let born = Born { pid: child, pidfd };
            match write_maps(birth, child) {
                Ok(()) => Ok(born),
                Err(failure) => {
                    drop(supervisor);
                    let _ = pidfd_send_signal(&born.pidfd, rustix::process::Signal::KILL);
                    let _ = waitpid(child, None);
                    Err(failure)
                }
            }
        }
    }
}

fn flags_of(birth: &Birth) -> Result<u64, Failure> {
    match birth {
        Birth::Namespaces(_) => Ok(namespaces::clone_flags().bits() as u64),
        Birth::Bare(_) => nix::sys::prctl::set_child_subreaper(true)
            .map(|()| 0)
            .at(Stage::Init, || "prctl(PR_SET_CHILD_SUBREAPER)".into()),
    }
}

fn write_maps(birth: &Birth, child: Pid) -> Result<(), Failure> {
    match birth {
        Birth::Namespaces(namespaces) => match namespaces.identity {
            Identity::Caller { .. } => Ok(()),
            Identity::Shifted { base, .. } => idmap::map_shifted(child, base),
        },
        Birth::Bare(_) => Ok(()),
    }
}
