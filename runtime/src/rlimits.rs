//! Resource limits of a process and its children.

use nix::sys::resource::{self, getrlimit, setrlimit};

use crate::error::{AtStage as _, Failure, Stage};
use crate::spec::{Resource, ResourceLimit};

/// Sets soft and hard limit alike; a value above the hard limit that the caller has is `EPERM`.
/// <https://man7.org/linux/man-pages/man2/setrlimit.2.html>
pub(crate) fn apply(limits: &[ResourceLimit]) -> Result<(), Failure> {
    limits.iter().try_for_each(|limit| {
        setrlimit(kernel_name(limit.resource), limit.value, limit.value)
            .at(Stage::Limits, || format!("setrlimit({:?}, {})", limit.resource, limit.value))
    })
}

/// So many signals may wait in a sandbox for who has yet to take them, timers among them.
const PENDING_SIGNALS: u64 = 1024;

/// Leaves the caller most of the signals that the kernel queues for all processes of a user: what is queued counts
/// against the limit of whom it is for, so init has to have a lower one as well. Its commands have it from init. Without a
/// user namespace those that wait for all processes of the user count.
/// <https://man7.org/linux/man-pages/man2/getrlimit.2.html>
pub(crate) fn bound_pending_signals() -> Result<(), Failure> {
    let (_, hard) = getrlimit(resource::Resource::RLIMIT_SIGPENDING)
        .at(Stage::Limits, || "getrlimit(RLIMIT_SIGPENDING)".into())?;
    let bound = hard.min(PENDING_SIGNALS);
    setrlimit(resource::Resource::RLIMIT_SIGPENDING, bound, bound)
        .at(Stage::Limits, || format!("setrlimit(RLIMIT_SIGPENDING, {bound})"))
}

fn kernel_name(resource: Resource) -> resource::Resource {
    match resource {
        Resource::Core => resource::Resource::RLIMIT_CORE,
        Resource::OpenFiles => resource::Resource::RLIMIT_NOFILE,
        Resource::Stack => resource::Resource::RLIMIT_STACK,
        Resource::LockedMemory => resource::Resource::RLIMIT_MEMLOCK,
        Resource::FileSize => resource::Resource::RLIMIT_FSIZE,
        Resource::ProcessorTime => resource::Resource::RLIMIT_CPU,
        Resource::Processes => resource::Resource::RLIMIT_NPROC,
        Resource::Nice => resource::Resource::RLIMIT_NICE,
        Resource::RealTimePriority => resource::Resource::RLIMIT_RTPRIO,
    }
}
