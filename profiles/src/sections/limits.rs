//! `[limits]`: how long a command may run, and how much of the host it may take.

use std::time::Duration;

use serde::{Serialize, Serializer};
use toml::de::DeTable;

use super::guards::{REQUIREMENTS, Requirement};
use super::{greater, greater_or_unlimited};
use crate::diagnostic::Fault;
use crate::limit_values::{self as range, LimitError, LimitName, parse};
use crate::quantity::{write_duration, write_size};
use crate::section::{Licence, Section};
use crate::stated::{Stated, count, one_of_words, or_none, thousandths};
use crate::value;

/// Limits of an exec as a whole, and of each process in it.
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
    /// Thousandths of one processor that all processes may take together.
    #[serde(rename = "cpuThousandths")]
    pub cpus: Option<u64>,
    /// Processor time of all processes together.
    #[serde(rename = "cpuTimeMs", serialize_with = "milliseconds_or_none")]
    pub cpu_time: Option<Duration>,
    /// Bytes of memory of all processes together, with what they keep in file systems in memory.
    pub memory: Option<u64>,
    /// Processes and threads of the sandbox.
    pub processes: Option<u64>,
    /// Bytes of all that is written, wherever it is kept meanwhile.
    pub disk: Option<u64>,
    /// Files and directories that are made.
    pub inodes: Option<u64>,
    /// Bytes of standard output and error together.
    pub output: Option<u64>,
    /// Bytes that a process can make a file long.
    pub file_size: Option<u64>,
    /// Open descriptors of a process.
    pub nofile: Option<u64>,
    /// Bytes of a core dump.
    pub core: u64,
    /// Bytes of a stack.
    pub stack: Option<u64>,
    /// Bytes that a process can lock in memory.
    pub memlock: u64,
    /// Whether memory, processes and processors must be held by a control group.
    pub cgroup: Requirement,
}

const KNOWN: [&str; 15] = [
    "timeout",
    "grace",
    "cpus",
    "cpu_time",
    "memory",
    "processes",
    "disk",
    "inodes",
    "output",
    "file_size",
    "nofile",
    "core",
    "stack",
    "memlock",
    "cgroup",
];

impl Limits {
    pub(crate) fn read(
        file: &mut DeTable<'_>,
        parent: Option<&Self>,
        licence: Licence<'_>,
    ) -> Result<Self, Fault> {
        let mut keys = Section::open(file, "limits", &KNOWN, licence)?;
        let duration = |range| value::or_none(value::duration(range));
        let count = |range| value::or_none(value::count(range));
        let size = |range| value::or_none(value::size(range));
        let bytes = || value::size(range::BYTES);
        macro_rules! take {
            ($key:ident, $read:expr, $more:expr) => {
                keys.take(stringify!($key), parent.map(|p| &p.$key), $read, $more)?
            };
        }
        let section = Self {
            timeout: take!(timeout, duration(range::TIMEOUT), greater_or_unlimited),
            grace: take!(grace, value::duration(range::GRACE), greater),
            cpus: take!(cpus, value::or_none(value::thousandths(range::CPUS)), greater_or_unlimited),
            cpu_time: take!(cpu_time, duration(range::CPU_TIME), greater_or_unlimited),
            memory: take!(memory, size(range::MEMORY), greater_or_unlimited),
            processes: take!(processes, count(range::PROCESSES), greater_or_unlimited),
            disk: take!(disk, size(range::DISK), greater_or_unlimited),
            inodes: take!(inodes, count(range::INODES), greater_or_unlimited),
            output: take!(output, size(range::BYTES), greater_or_unlimited),
            file_size: take!(file_size, size(range::BYTES), greater_or_unlimited),
            nofile: take!(nofile, count(range::NOFILE), greater_or_unlimited),
            core: take!(core, bytes(), greater),
            stack: take!(stack, size(range::STACK), greater_or_unlimited),
            memlock: take!(memlock, bytes(), greater),
            cgroup: take!(cgroup, value::word(&REQUIREMENTS), greater),
        };
        keys.close()?;
        Ok(section)
    }

    pub(crate) fn state(&self) -> Stated {
        let Self {
            timeout,
            grace,
            cpus,
            cpu_time,
            memory,
            processes,
            disk,
            inodes,
            output,
            file_size,
            nofile,
            core,
            stack,
            memlock,
            cgroup,
        } = self;
        let size = |size: &Option<u64>| or_none(*size, |size| write_size(size).into());
        let duration = |time: &Option<Duration>| or_none(*time, |time| write_duration(time).into());
        vec![
            ("timeout", duration(timeout)),
            ("grace", write_duration(*grace).into()),
            ("cpus", or_none(*cpus, thousandths)),
            ("cpu_time", duration(cpu_time)),
            ("memory", size(memory)),
            ("processes", or_none(*processes, count)),
            ("disk", size(disk)),
            ("inodes", or_none(*inodes, count)),
            ("output", size(output)),
            ("file_size", size(file_size)),
            ("nofile", or_none(*nofile, count)),
            ("core", write_size(*core).into()),
            ("stack", size(stack)),
            ("memlock", write_size(*memlock).into()),
            ("cgroup", one_of_words(&REQUIREMENTS, cgroup)),
        ]
    }

    /// Sets one limit to what a person wrote, `512M` or `none`, in place of the profile's.
    pub fn set(&mut self, name: LimitName, text: &str) -> Result<(), LimitError> {
        let amount = parse(name, text)?;
        let duration = amount.map(Duration::from_millis);
        match name {
            LimitName::Timeout => self.timeout = duration,
            LimitName::Cpus => self.cpus = amount,
            LimitName::CpuTime => self.cpu_time = duration,
            LimitName::Memory => self.memory = amount,
            LimitName::Processes => self.processes = amount,
            LimitName::Disk => self.disk = amount,
            LimitName::Inodes => self.inodes = amount,
            LimitName::Output => self.output = amount,
            LimitName::FileSize => self.file_size = amount,
            LimitName::Nofile => self.nofile = amount,
        }
        Ok(())
    }
}

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
