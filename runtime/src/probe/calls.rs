//! Calls that confine the process that makes them, each made in a fork.

use std::io;

use nix::errno::Errno;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};

use super::namespaces::allowed;
use super::trial::in_fork;
use super::{Answer, Request};
use crate::descriptors::close_on_exec;
use crate::error::{AtStage as _, Failure, Stage};
use crate::landlock::{Border, Domain};
use crate::spec::{PathRule, Rights};
use crate::sys::keyctl_join_session_keyring;

/// What the process of the seccomp probe still does behind the filter: it answers and ends.
const AFTERWARDS: [&str; 5] = ["sendmsg", "brk", "mmap", "munmap", "exit_group"];

/// Entering a domain.
pub(super) fn landlock(_: &Request<'_>) -> Answer {
    in_fork(|| {
        no_new_privs()?;
        let rule = PathRule { path: "/".into(), rights: Rights::List };
        let domain = Domain::build(&[rule], Border::None)?;
        let abi = domain.abi;
        domain.enter().map(|()| format!("ABI {abi}"))
    })
}

/// Loading a filter, and a call that it refuses.
pub(super) fn seccomp(_: &Request<'_>) -> Answer {
    let action = || "seccomp(SECCOMP_SET_MODE_FILTER)".to_owned();
    let filter = crate::seccomp::compile(&allowed(&AFTERWARDS))
        .map_err(|_| Errno::EINVAL)
        .at(Stage::Seccomp, action)?;
    in_fork(|| {
        no_new_privs()?;
        seccompiler::apply_filter(&filter).map_err(cause).at(Stage::Seccomp, action)?;
        match nix::unistd::setsid() {
            Err(Errno::ENOSYS) => Ok("filters load and refuse".into()),
            _ => Err(Errno::EINVAL).at(Stage::Seccomp, || "setsid() behind a filter that refuses it".into()),
        }
    })
}

/// Joining a new session keyring.
pub(super) fn keyring(_: &Request<'_>) -> Answer {
    in_fork(|| {
        keyctl_join_session_keyring()
            .at(Stage::Keyring, || "keyctl(KEYCTL_JOIN_SESSION_KEYRING)".into())
            .map(|()| "a new one can be joined".into())
    })
}

/// Marking all descriptors to be closed by `execve(2)`.
pub(super) fn close_range(_: &Request<'_>) -> Answer {
    in_fork(|| close_on_exec().map(|()| "with CLOSE_RANGE_CLOEXEC".into()))
}

/// Opening beneath a directory and through no link.
pub(super) fn openat2(_: &Request<'_>) -> Answer {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(CWD, ".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)
        .at(Stage::Mounts, || "openat2(\".\", RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)".into())?;
    Ok("beneath a directory, through no link".into())
}

/// The kernel's answer to the loading of a filter.
fn cause(error: seccompiler::Error) -> io::Error {
    match error {
        seccompiler::Error::Prctl(cause) | seccompiler::Error::Seccomp(cause) => cause,
        _ => io::Error::from_raw_os_error(libc::EINVAL),
    }
}

fn no_new_privs() -> Result<(), Failure> {
    rustix::thread::set_no_new_privs(true).at(Stage::Execute, || "prctl(PR_SET_NO_NEW_PRIVS)".into())
}
