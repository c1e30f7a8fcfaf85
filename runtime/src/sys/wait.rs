//! `wait4(2)`, which tells what a child used, and `waitid(2)`: of every child, by whatever signal it ended.
//!
//! A child that asks to be traced (`PTRACE_TRACEME`) has its parent for a tracer, who is told of its stops as of ends.
//! It is let go: nobody here traces.

use std::io;

use nix::unistd::Pid;

use crate::channel::{ExitStatus, Usage};

/// What `getrusage(2)` counts in.
const BLOCK: u64 = 512;
/// So many are let go before it is looked what else there is to do.
const AT_ONCE: usize = 1024;

/// Reaps a child that has ended: the one that is named, or any. None while nobody has; `ECHILD` when there is none.
/// What it used includes what the children used that it waited for.
/// <https://man7.org/linux/man-pages/man2/wait4.2.html>
pub(crate) fn wait4(child: Option<Pid>) -> io::Result<Option<(Pid, ExitStatus, Usage)>> {
    wait(child.map_or(-1, Pid::as_raw), libc::WNOHANG)
}

/// The same of every child.
pub(crate) fn wait4_all() -> io::Result<Option<(Pid, ExitStatus, Usage)>> {
    wait(-1, libc::WNOHANG | libc::__WALL)
}

/// The same of children that are set apart ([`super::fork_apart`]), and of no others.
pub(crate) fn wait4_apart() -> io::Result<Option<(Pid, ExitStatus, Usage)>> {
    wait(-1, libc::WNOHANG | libc::__WCLONE)
}

/// A child that has ended and that nobody has reaped, which stays so. None that is set apart.
/// <https://man7.org/linux/man-pages/man2/waitid.2.html>
pub(crate) fn waitid() -> io::Result<Option<Pid>> {
    for _ in 0..AT_ONCE {
        let mut told = std::mem::MaybeUninit::<libc::siginfo_t>::zeroed();
        let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        // SAFETY: the pointer is to a value of the right type that outlives the call.
        super::check(unsafe { libc::waitid(libc::P_ALL, 0, told.as_mut_ptr(), options) }.into())?;
        // SAFETY: all zeroes are a valid value, and the kernel writes whole ones.
        let told = unsafe { told.assume_init() };
        // SAFETY: it is of SIGCHLD, or all zeroes.
        let child = unsafe { told.si_pid() };
        match told.si_code {
            _ if child == 0 => return Ok(None),
            libc::CLD_EXITED | libc::CLD_KILLED | libc::CLD_DUMPED => return Ok(Some(Pid::from_raw(child))),
            // SAFETY: the same.
            _ => let_go(child, unsafe { told.si_status() } & 0x7f),
        }
    }
    Ok(None)
}

/// Ends the tracing of a child that has stopped at this signal, which it gets then; but not the one that tells tracers of
/// everything else.
fn let_go(child: i32, signal: i32) {
    let signal = if signal == libc::SIGTRAP { 0 } else { signal };
    // SAFETY: the call takes numbers alone. It fails only where the child has been killed meanwhile.
    unsafe { libc::ptrace(libc::PTRACE_DETACH, child, 0, libc::c_long::from(signal)) };
}

fn wait(child: i32, options: i32) -> io::Result<Option<(Pid, ExitStatus, Usage)>> {
    for _ in 0..AT_ONCE {
        let (reaped, status, used) = wait_once(child, options)?;
        match reaped {
            0 => return Ok(None),
            stopped if libc::WIFSTOPPED(status) => let_go(stopped, libc::WSTOPSIG(status)),
            ended => return Ok(Some((Pid::from_raw(ended), exit_status(status), usage(&used)))),
        }
    }
    Ok(None)
}

fn wait_once(child: i32, options: i32) -> io::Result<(i32, i32, libc::rusage)> {
    let (mut status, mut used) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
    // SAFETY: both pointers are to values of the right types that outlive the call.
    let reaped =
        super::check(unsafe { libc::wait4(child, &raw mut status, options, used.as_mut_ptr()) }.into())?;
    // SAFETY: all zeroes are a valid value, and the kernel writes whole ones.
    let used = unsafe { used.assume_init() };
    Ok((reaped as i32, status, used))
}

fn exit_status(status: i32) -> ExitStatus {
    match libc::WIFSIGNALED(status) {
        true => ExitStatus::Signal(libc::WTERMSIG(status)),
        false => ExitStatus::Code(libc::WEXITSTATUS(status)),
    }
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
