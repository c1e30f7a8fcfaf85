//! Resource limits of a process and its children.

use nix::sys::resource::{self, setrlimit};

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
