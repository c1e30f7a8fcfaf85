//! Signal dispositions.

use std::mem::MaybeUninit;

/// Restores the default action of every standard signal.
///
/// Rust ignores SIGPIPE and callers may ignore more; `execve(2)` would hand that on.
pub(crate) fn reset_signal_dispositions() {
    for signal in 1..32 {
        // SAFETY: SIG_DFL installs no handler; SIGKILL and SIGSTOP answer EINVAL, which is fine.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
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
