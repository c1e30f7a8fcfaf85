//! Signal dispositions.

/// Restores the default action of every standard signal.
///
/// Rust ignores SIGPIPE and callers may ignore more; `execve(2)` would hand that on.
pub(crate) fn reset_signal_dispositions() {
    for signal in 1..32 {
        // SAFETY: SIG_DFL installs no handler; SIGKILL and SIGSTOP answer EINVAL, which is fine.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}
