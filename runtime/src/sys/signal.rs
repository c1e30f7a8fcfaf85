//! Signal dispositions.

use std::mem::MaybeUninit;

/// Signals are numbered from 1 to this.
const LAST: libc::c_int = 64;

/// Restores the default action of every signal.
///
/// Rust ignores SIGPIPE and callers may ignore more; `execve(2)` would hand that on. The C library's
/// own `sigaction` leaves out the two signals of its threads, which `posix_spawn` may have ignored.
pub(crate) fn reset_signal_dispositions() {
    // As the kernel has it: handler, flags, restorer and mask, all zero for SIG_DFL.
    let default = [0_u64; 4];
    for signal in 1..=LAST {
        // SAFETY: SIG_DFL installs no handler; the kernel reads no more than the 32 bytes of `default`.
        // SIGKILL and SIGSTOP answer EINVAL, which is fine.
        unsafe {
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), std::ptr::null_mut::<u64>(), 8)
        };
    }
}

/// Whether the calling process ignores a signal, as those do whose caller wanted it so:
/// `nohup(1)`, or a shell without job control that starts something in the background.
pub fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action only asks; `action` has room for the old one.
    unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: all zeroes are a valid action, should the call have failed.
    let action = unsafe { action.assume_init() };
    action.sa_sigaction == libc::SIG_IGN
}
