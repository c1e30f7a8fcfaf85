//! `wait4(2)`, which tells what a child used.

use std::io;

use nix::unistd::Pid;

use crate::channel::{ExitStatus, Usage};

/// What `getrusage(2)` counts in.
const BLOCK: u64 = 512;

/// Reaps a child that has ended: the one that is named, or any. None while nobody has; `ECHILD` when there is none.
/// What it used includes what the children used that it waited for.
/// <https://man7.org/linux/man-pages/man2/wait4.2.html>
pub(crate) fn wait4(child: Option<Pid>) -> io::Result<Option<(Pid, ExitStatus, Usage)>> {
    wait(child.map_or(-1, Pid::as_raw), libc::WNOHANG)
}

/// The same of children that are set apart ([`super::fork_apart`]), and of no others.
pub(crate) fn wait4_apart() -> io::Result<Option<(Pid, ExitStatus, Usage)>> {
    wait(-1, libc::WNOHANG | libc::__WCLONE)
}

fn wait(child: i32, options: i32) -> io::Result<Option<(Pid, ExitStatus, Usage)>> {
    let (mut status, mut used) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
    // SAFETY: both pointers are to values of the right types that outlive the call.
    let reaped =
        super::check(unsafe { libc::wait4(child, &raw mut status, options, used.as_mut_ptr()) }.into())?;
    // SAFETY: all zeroes are a valid value, and the kernel writes whole ones.
    let used = unsafe { used.assume_init() };
    let ended = if libc::WIFSIGNALED(status) {
        ExitStatus::Signal(libc::WTERMSIG(status))
    } else {
        ExitStatus::Code(libc::WEXITSTATUS(status))
    };
    Ok((reaped != 0).then(|| (Pid::from_raw(reaped as i32), ended, usage(&used))))
}

fn usage(used: &libc::rusage) -> Usage {
    let microseconds = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
    Usage {
        user_us: microseconds(used.ru_utime),
        system_us: microseconds(used.ru_stime),
        peak_process_memory: used.ru_maxrss as u64 * 1024,
        read_bytes: used.ru_inblock as u64 * BLOCK,
        written_bytes: used.ru_oublock as u64 * BLOCK,
    }
}
