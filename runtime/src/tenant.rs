//! A process of our own program that works for another user, with what that user has and nothing of ours.
//!
//! Whoever starts it has the capabilities to change ids, and is nobody else: the process becomes its user by the
//! ordered list in [`become_tenant`], or it does not begin.

use std::convert::Infallible;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd as _, BorrowedFd};

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getppid};
use rustix::io::Errno;

use crate::birth::Born;
use crate::cgroup::Given;
use crate::channel::{Channel, ExitStatus};
use crate::confine::{exit, new_session, no_new_privs, unblock_signals};
use crate::error::{AtStage as _, Failure, Stage};
use crate::init::join_keyring;
use crate::sys::{Forked, Texts, clone3_into, execve, reset_signal_dispositions};
use crate::{capabilities, descriptors, user};

/// The program that this process is, whatever has become of its file.
const OURSELVES: &CStr = c"/proc/self/exe";

/// Whom the process works for, and as what.
#[derive(Debug)]
pub struct TenantSpec {
    /// Not 0.
    pub uid: u32,
    /// Their group.
    pub gid: u32,
    /// Their further groups.
    pub groups: Vec<u32>,
    /// How our own program is called there.
    pub argv: Vec<CString>,
    /// All that stands in its environment.
    pub environment: Vec<CString>,
}

/// A process that works for another user, in a group of its own. Nobody ends it but the death of this one,
/// [`Tenant::take_back`], or itself.
#[derive(Debug)]
pub struct Tenant {
    born: Born,
    group: Given,
    /// Here it says why it does not begin.
    heard: Channel,
}

impl Tenant {
    /// Starts it in a group that was given to its user, with `input` as its standard input, and `output` as the other
    /// two streams; these are ours where there is none. The calling process must have one thread.
    ///
    /// This does not wait until it has begun: before its program is executed it is its user's already, who may
    /// stop it there for as long as they like.
    pub fn start(
        spec: &TenantSpec,
        group: Given,
        input: BorrowedFd<'_>,
        output: Option<BorrowedFd<'_>>,
    ) -> Result<Self, Failure> {
        if spec.uid == 0 {
            return Err(Errno::PERM).at(Stage::IdMap, || "becoming root".into());
        }
        let (heard, told) = Channel::pair().at(Stage::Channel, || "socketpair(AF_UNIX)".into())?;
        // Whatever holds the other end: nothing that is done with this one waits.
        rustix::io::ioctl_fionbio(&heard, true).at(Stage::Channel, || "ioctl(FIONBIO)".into())?;
        let parent = nix::unistd::getpid();
        match clone3_into(0, Some(group.leaf())).at(Stage::Clone, || "clone3(CLONE_INTO_CGROUP)".into())? {
            Forked::Child => {
                let Err(failure) = become_tenant(spec, parent, (input, output), &told);
                // Nobody hears it where the parent is gone.
                let _ = told.send(&failure, &[]);
                exit(125)
            }
            Forked::Parent { child, pidfd } => {
                drop(told);
                Ok(Self { born: Born { pid: child, pidfd }, group, heard })
            }
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.born.pid.as_raw().unsigned_abs()
    }

    /// Readable when it has ended.
    pub fn end(&self) -> BorrowedFd<'_> {
        self.born.pidfd.as_fd()
    }

    /// How it ended, if it has; asked once after that.
    pub fn reap(&self) -> Option<ExitStatus> {
        match waitpid(self.born.pid, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, code)) => Some(ExitStatus::Code(code)),
            Ok(WaitStatus::Signaled(_, signal, _)) => Some(ExitStatus::Signal(signal as i32)),
            Ok(_) => None,
            Err(_) => Some(ExitStatus::Code(0)),
        }
    }

    /// Why it did not begin, if it has said so and was not asked before.
    pub fn failure(&self) -> Option<Failure> {
        self.heard.receive().ok().flatten().map(|(failure, _)| failure)
    }

    /// Ends whatever is left of it and removes its group; `EBUSY` while something has not ended yet.
    pub fn take_back(&self) -> Result<(), Failure> {
        self.group.take_back()
    }
}

/// The order matters: what is other users' goes first, since the user may stop the process from then on that it is
/// theirs; groups and ids while there are capabilities to change them, the death signal after, since that change
/// forgets it, and at the end nothing is left but the user.
fn become_tenant(
    spec: &TenantSpec,
    parent: Pid,
    (input, output): (BorrowedFd<'_>, Option<BorrowedFd<'_>>),
    told: &Channel,
) -> Result<Infallible, Failure> {
    descriptors::close_all_but([input, told.as_fd()].into_iter().chain(output))?;
    reset_signal_dispositions();
    unblock_signals()?;
    new_session()?;
    take_streams(input, output)?;
    user::become_other(spec.uid, spec.gid, &spec.groups)?;
    keep_no_keyring()?;
    // What is not root's is not lost by another id.
    capabilities::give_up()?;
    no_new_privs()?;
    die_with(parent)?;
    nix::unistd::chdir("/").at(Stage::WorkingDirectory, || "chdir(\"/\")".into())?;
    descriptors::close_on_exec()?;
    let (argv, environment) = (Texts::of(&spec.argv), Texts::of(&spec.environment));
    Err(execve(OURSELVES, &argv, &environment)).at(Stage::Execute, || format!("execve({OURSELVES:?})"))
}

fn take_streams(input: BorrowedFd<'_>, output: Option<BorrowedFd<'_>>) -> Result<(), Failure> {
    nix::unistd::dup2_stdin(input).at(Stage::Descriptors, || "dup2(stdin)".into())?;
    let Some(output) = output else { return Ok(()) };
    nix::unistd::dup2_stdout(output).at(Stage::Descriptors, || "dup2(stdout)".into())?;
    nix::unistd::dup2_stderr(output).at(Stage::Descriptors, || "dup2(stderr)".into())
}

/// The session keyring is the whole service's, until a sandbox joins its own: other users' servers have it too.
fn keep_no_keyring() -> Result<(), Failure> {
    match join_keyring() {
        // A kernel without keyrings shares none.
        Err(failure) if failure.errno == nix::libc::ENOSYS => Ok(()),
        joined => joined,
    }
}

fn die_with(parent: Pid) -> Result<(), Failure> {
    prctl::set_pdeathsig(Signal::SIGKILL).at(Stage::Init, || "prctl(PR_SET_PDEATHSIG, SIGKILL)".into())?;
    if getppid() == parent { Ok(()) } else { Err(Errno::SRCH).at(Stage::Init, || "getppid()".into()) }
}
