//! `[limits]`: how long a command may run, and what the kernel grants each of its processes.

use std::time::Duration;

use serde::{Serialize, Serializer};
use toml::de::DeTable;

use super::{greater, greater_or_unlimited};
use crate::diagnostic::Fault;
use crate::section::{Licence, Section};
use crate::value;

/// Limits of an exec, and of each process in it.
///
/// Where a limit is `None` the profile sets none, and the caller's own stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Wall time until the command is terminated.
    #[serde(rename = "timeoutMs", serialize_with = "milliseconds_or_none")]
    pub timeout: Option<Duration>,
    /// Time between SIGTERM and SIGKILL.
    #[serde(rename = "graceMs", serialize_with = "milliseconds")]
    pub grace: Duration,
    /// Open descriptors of a process.
    pub nofile: u64,
    /// Bytes of a core dump.
    pub core: u64,
    /// Bytes of a stack.
    pub stack: Option<u64>,
    /// Bytes that a process can lock in memory.
    pub memlock: u64,
    /// Bytes that a process can make a file long.
    pub file_size: Option<u64>,
    /// Processes and threads of the sandbox's user.
    pub processes: Option<u64>,
}

impl Limits {
    pub(crate) fn read(
        file: &mut DeTable<'_>,
        parent: Option<&Self>,
        licence: Licence<'_>,
    ) -> Result<Self, Fault> {
        let known = ["timeout", "grace", "nofile", "core", "stack", "memlock", "file_size", "processes"];
        let mut keys = Section::open(file, "limits", &known, licence)?;
        let timeout = value::or_none(value::duration(MILLISECOND..=YEAR));
        let grace = value::duration(Duration::ZERO..=HOUR);
        let nofile = value::count(FEWEST_DESCRIPTORS..=MOST_DESCRIPTORS);
        let stack = value::or_none(value::size(SMALLEST_STACK..=LARGEST));
        let processes = value::or_none(value::count(1..=MOST_PROCESSES));
        let bytes = || value::size(0..=LARGEST);
        let section = Self {
            timeout: keys.take("timeout", parent.map(|p| &p.timeout), timeout, greater_or_unlimited)?,
            grace: keys.take("grace", parent.map(|p| &p.grace), grace, greater)?,
            nofile: keys.take("nofile", parent.map(|p| &p.nofile), nofile, greater)?,
            core: keys.take("core", parent.map(|p| &p.core), bytes(), greater)?,
            stack: keys.take("stack", parent.map(|p| &p.stack), stack, greater_or_unlimited)?,
            memlock: keys.take("memlock", parent.map(|p| &p.memlock), bytes(), greater)?,
            file_size: keys.take(
                "file_size",
                parent.map(|p| &p.file_size),
                value::or_none(bytes()),
                greater_or_unlimited,
            )?,
            processes: keys.take(
                "processes",
                parent.map(|p| &p.processes),
                processes,
                greater_or_unlimited,
            )?,
        };
        keys.close()?;
        Ok(section)
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Fewer, and a dynamically linked program does not start.
const FEWEST_DESCRIPTORS: u64 = 16;

/// The kernel's own bound, `sysctl_nr_open_max`.
const MOST_DESCRIPTORS: u64 = 1 << 30;

/// The kernel grants a quarter of the stack to arguments and environment, and at least 128 KiB.
const SMALLEST_STACK: u64 = 128 << 10;

/// Far from `RLIM_INFINITY`, which would turn a limit into none.
const LARGEST: u64 = 1 << 50;

/// The kernel's own bound, `PID_MAX_LIMIT`.
const MOST_PROCESSES: u64 = 1 << 22;

fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

fn milliseconds_or_none<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => milliseconds(duration, serializer),
        None => serializer.serialize_none(),
    }
}
