//! `clone3(2)` and `fork(2)` from a process with one thread.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::SharedNumber;

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
    clone3_telling(libc::SIGCHLD, flags, group)
}

/// The same, where `signal` tells of the child's end.
fn clone3_telling(signal: i32, flags: u64, group: Option<BorrowedFd<'_>>) -> io::Result<Forked> {
    if thread_count()? != 1 {
        return Err(io::Error::from_raw_os_error(libc::EBUSY));
    }
    let mut pidfd: RawFd = -1;
    let arguments = libc::clone_args {
        flags: flags | libc::CLONE_PIDFD as u64 | group.map_or(0, |_| CLONE_INTO_CGROUP),
        pidfd: &raw mut pidfd as u64,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: signal as u64,
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

/// The same, where [`APART`] tells of the child's end: who waits for children without `__WALL` does not find it.
pub(crate) fn fork_apart() -> io::Result<Forked> {
    clone3_telling(APART as i32, 0, None)
}

/// Told of the end of a child that is set apart from others.
pub(crate) const APART: Signal = Signal::SIGUSR1;

/// The stack of a process that [`vfork`] makes; what it does before it executes a program needs a tenth.
const STACK: usize = 256 << 10;

/// Runs `child` in a new process that has the caller's own memory, and waits until that process has
/// executed a program or ended. The calling process must have one thread (`EBUSY` otherwise).
///
/// It copies no memory, which makes it much cheaper than [`fork`]. What `child` borrows must be left as it
/// was; what it allocates and does not free, the caller has lost. Descriptors are its own.
/// <https://man7.org/linux/man-pages/man2/vfork.2.html>
pub(crate) fn vfork(child: impl FnMut()) -> io::Result<Pid> {
    if thread_count()? != 1 {
        return Err(io::Error::from_raw_os_error(libc::EBUSY));
    }
    vfork_upon(&mut Stack::default(), libc::SIGCHLD, std::ptr::null_mut(), child)
}

/// The same from a process that [`fork_apart`] made, and which has been alone since. The new one is a child of its
/// parent, set apart as it is until it executes a program; before it runs its number is in `number`.
pub(crate) fn vfork_sibling(
    stack: &mut Stack,
    number: &SharedNumber,
    mut child: impl FnMut(),
) -> io::Result<Pid> {
    // A kernel that could not write the number says nothing of that, and its parent would begin another one.
    let child = || {
        if number.get() == nix::unistd::getpid().as_raw() {
            child();
        }
    };
    let flags = libc::CLONE_PARENT | libc::CLONE_PARENT_SETTID;
    vfork_upon(stack, flags, number.as_ptr(), child)
}

/// Where a process runs that [`vfork`] makes.
pub(crate) struct Stack(Vec<u128>);

impl Default for Stack {
    fn default() -> Self {
        Self(Vec::with_capacity(STACK / size_of::<u128>()))
    }
}

fn vfork_upon(stack: &mut Stack, flags: i32, number: *mut i32, mut child: impl FnMut()) -> io::Result<Pid> {
    let mut child: &mut dyn FnMut() = &mut child;
    let top = stack.0.spare_capacity_mut().as_mut_ptr_range().end;
    let flags = flags | libc::CLONE_VM | libc::CLONE_VFORK;
    // SAFETY: the stack is aligned, grows down from its end, and outlives the child's use of it, since
    // CLONE_VFORK stops this thread, the only one, until then; so does the closure behind the pointer. The kernel
    // writes to `number` only where that is asked for, and then it is a number that lives on.
    let pid = super::check(
        unsafe { libc::clone(run_child, top.cast(), flags, (&raw mut child).cast(), number) }.into(),
    )?;
    Ok(Pid::from_raw(pid as i32))
}

/// Where the process that [`vfork`] makes begins.
extern "C" fn run_child(child: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `vfork` passes a pointer to its closure, which nobody else uses meanwhile.
    let child = unsafe { &mut *child.cast::<&mut dyn FnMut()>() };
    child();
    super::exit_now(125)
}

/// Counts the caller's threads: `/proc/self/task` has one link each, and two of its own.
fn thread_count() -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(std::fs::metadata("/proc/self/task")?.nlink() - 2)
}
