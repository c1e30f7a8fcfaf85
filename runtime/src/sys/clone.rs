//! `clone3(2)` and `fork(2)` from a process with one thread.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::unistd::Pid;

/// The C library's own constant is a negative `int`.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Which side of a fork the caller finds itself on.
pub(crate) enum Forked {
    /// The caller, with the child and a descriptor that stands for it.
    Parent {
        /// The child's id in the caller's PID namespace.
        child: Pid,
        /// Pollable when the child has ended; closed on exec.
        pidfd: OwnedFd,
    },
    /// The new process.
    Child,
}

/// Clones the calling process into the namespaces that `flags` name.
///
/// As [`clone3_into`] says, with the caller's control groups.
pub(crate) fn clone3(flags: u64) -> io::Result<Forked> {
    clone3_into(flags, None)
}

/// Clones the calling process into the namespaces that `flags` name, and into the control group of
/// version 2 whose directory is `group`.
///
/// The child gets a copy of the caller's memory, as after [`fork`], and goes on in safe Rust: that
/// is sound because the caller has a single thread, which is checked first (`EBUSY`).
/// <https://man7.org/linux/man-pages/man2/clone3.2.html>
pub(crate) fn clone3_into(flags: u64, group: Option<BorrowedFd<'_>>) -> io::Result<Forked> {
    if thread_count()? != 1 {
        return Err(io::Error::from_raw_os_error(libc::EBUSY));
    }
    let mut pidfd: RawFd = -1;
    let arguments = libc::clone_args {
        flags: flags | libc::CLONE_PIDFD as u64 | group.map_or(0, |_| CLONE_INTO_CGROUP),
        pidfd: &raw mut pidfd as u64,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: libc::SIGCHLD as u64,
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: group.map_or(0, |group| group.as_raw_fd() as u64),
    };
    // SAFETY: no CLONE_VM and no stack, so the child runs on its own copy of this one; there is one
    // thread, so no lock can be held by a thread that the child lacks; `arguments` outlives the call.
    let child = super::check(unsafe {
        libc::syscall(libc::SYS_clone3, &raw const arguments, size_of_val(&arguments))
    })?;
    if child == 0 {
        return Ok(Forked::Child);
    }
    // SAFETY: CLONE_PIDFD made the kernel store a new descriptor here, owned by nobody else.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Forked::Parent { child: Pid::from_raw(child as i32), pidfd })
}

/// Forks the calling process, which must have one thread (`EBUSY` otherwise).
pub(crate) fn fork() -> io::Result<Forked> {
    clone3(0)
}

/// Counts the caller's threads: `/proc/self/task` has one link each, and two of its own.
fn thread_count() -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(std::fs::metadata("/proc/self/task")?.nlink() - 2)
}
