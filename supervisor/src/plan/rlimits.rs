//! What the kernel grants each process.

use std::time::Duration;

use clearing_profiles::Limits;
use clearing_runtime::spec::{Resource, ResourceLimit};

/// Init is a process of the same user, in the same namespace.
const INIT: u64 = 1;
/// How much later than the watchdog the kernel ends a process for its processor time.
const LATER: Duration = Duration::from_secs(1);

/// The limits that the kernel holds for each process; that of processes holds for the user namespace.
pub(super) fn of(limits: &Limits) -> Vec<ResourceLimit> {
    let all = [
        (Resource::Core, Some(limits.core)),
        (Resource::OpenFiles, limits.nofile),
        (Resource::LockedMemory, Some(limits.memlock)),
        (Resource::Nice, Some(0)),
        (Resource::RealTimePriority, Some(0)),
        (Resource::Stack, limits.stack),
        (Resource::FileSize, limits.file_size),
        (Resource::Processes, limits.processes.map(|processes| processes + INIT)),
        (Resource::ProcessorTime, limits.cpu_time.map(seconds)),
    ];
    all.into_iter().filter_map(|(resource, value)| Some(ResourceLimit { resource, value: value? })).collect()
}

/// Whole ones, which is as fine as the kernel counts them here.
fn seconds(time: Duration) -> u64 {
    let later = time + LATER;
    later.as_secs() + u64::from(later.subsec_nanos() > 0)
}
