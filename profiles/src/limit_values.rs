//! The limits that can be set by name, what each can be, and how a person writes it.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::quantity::{
    QuantityError, parse_duration, parse_size, parse_thousandths, write_duration, write_size,
    write_thousandths,
};

/// A limit that a flag or a request can set in place of the profile's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LimitName {
    /// Wall time.
    Timeout,
    /// Processors at a time.
    Cpus,
    /// Processor time.
    CpuTime,
    /// Bytes of memory.
    Memory,
    /// Processes and threads.
    Processes,
    /// Bytes that are written.
    Disk,
    /// Files that are made.
    Inodes,
    /// Bytes of output.
    Output,
    /// Bytes of one file.
    FileSize,
    /// Descriptors of one process.
    Nofile,
}

impl LimitName {
    /// The key in `[limits]` of a profile.
    pub fn key(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Cpus => "cpus",
            Self::CpuTime => "cpu_time",
            Self::Memory => "memory",
            Self::Processes => "processes",
            Self::Disk => "disk",
            Self::Inodes => "inodes",
            Self::Output => "output",
            Self::FileSize => "file_size",
            Self::Nofile => "nofile",
        }
    }
}

/// Why a text is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LimitError {
    /// Not a quantity at all.
    #[error(transparent)]
    Quantity(#[from] QuantityError),
    /// A quantity that this limit cannot be.
    #[error("{amount} is out of range, from {least} to {most}")]
    OutOfRange {
        /// What was written.
        amount: String,
        /// The least that it can be.
        least: String,
        /// The most that it can be.
        most: String,
    },
}

impl LimitError {
    /// How the thing is written.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Quantity(error) => Some(error.hint()),
            Self::OutOfRange { .. } => Some("`none` lifts the limit"),
        }
    }
}

pub(crate) const TIMEOUT: RangeInclusive<Duration> = MILLISECOND..=YEAR;
pub(crate) const GRACE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3600);
/// The kernel counts in ticks of 10 ms.
pub(crate) const CPU_TIME: RangeInclusive<Duration> = Duration::from_millis(10)..=YEAR;
/// The kernel grants no less than a millisecond in a period of a tenth of a second.
pub(crate) const CPUS: RangeInclusive<u64> = 10..=8_192_000;
/// With less no program starts.
pub(crate) const MEMORY: RangeInclusive<u64> = 1 << 20..=LARGEST;
/// The kernel's own bound, `PID_MAX_LIMIT`.
pub(crate) const PROCESSES: RangeInclusive<u64> = 1..=1 << 22;
/// A tmpfs takes 0 for no limit.
pub(crate) const DISK: RangeInclusive<u64> = 4096..=LARGEST;
/// What is kept of an output: no less than is read of it at once.
pub(crate) const KEPT: RangeInclusive<u64> = 1 << 20..=1 << 40;
pub(crate) const INODES: RangeInclusive<u64> = 1..=1 << 40;
/// Fewer, and a dynamically linked program does not start. The most is `sysctl_nr_open_max`.
pub(crate) const NOFILE: RangeInclusive<u64> = 16..=1 << 30;
/// The kernel grants a quarter of the stack to arguments and environment, and at least 128 KiB.
pub(crate) const STACK: RangeInclusive<u64> = 128 << 10..=LARGEST;
pub(crate) const BYTES: RangeInclusive<u64> = 0..=LARGEST;

const MILLISECOND: Duration = Duration::from_millis(1);
const YEAR: Duration = Duration::from_secs(365 * 86_400);
/// Far from `RLIM_INFINITY`, which would turn a limit into none.
const LARGEST: u64 = 1 << 50;

/// Reads a limit in its smallest unit: milliseconds, bytes, thousandths or a count; `none` is `None`.
pub(crate) fn parse(name: LimitName, text: &str) -> Result<Option<u64>, LimitError> {
    if text == "none" {
        return Ok(None);
    }
    let amount = match name {
        LimitName::Timeout => duration(text, TIMEOUT)?,
        LimitName::CpuTime => duration(text, CPU_TIME)?,
        LimitName::Cpus => within(parse_thousandths(text)?, CPUS, write_thousandths)?,
        LimitName::Memory | LimitName::Disk | LimitName::Output | LimitName::FileSize => {
            size(text, limit_range(name))?
        }
        LimitName::Processes | LimitName::Inodes | LimitName::Nofile => count(text, limit_range(name))?,
    };
    Ok(Some(amount))
}

/// What a limit can be, in its smallest unit: milliseconds, bytes, thousandths or a count.
pub fn limit_range(name: LimitName) -> RangeInclusive<u64> {
    let milliseconds = |range: RangeInclusive<Duration>| {
        let [least, most] = [range.start(), range.end()].map(Duration::as_millis);
        u64::try_from(least).unwrap_or(u64::MAX)..=u64::try_from(most).unwrap_or(u64::MAX)
    };
    match name {
        LimitName::Timeout => milliseconds(TIMEOUT),
        LimitName::CpuTime => milliseconds(CPU_TIME),
        LimitName::Cpus => CPUS,
        LimitName::Memory => MEMORY,
        LimitName::Disk => DISK,
        LimitName::Output | LimitName::FileSize => BYTES,
        LimitName::Processes => PROCESSES,
        LimitName::Inodes => INODES,
        LimitName::Nofile => NOFILE,
    }
}

/// Whether [`Limits::set`](crate::Limits::set) would take the text.
pub fn check_limit(name: LimitName, text: &str) -> Result<(), LimitError> {
    parse(name, text).map(drop)
}

fn duration(text: &str, range: RangeInclusive<Duration>) -> Result<u64, LimitError> {
    let duration = within(parse_duration(text)?, range, write_duration)?;
    Ok(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

fn size(text: &str, range: RangeInclusive<u64>) -> Result<u64, LimitError> {
    within(parse_size(text)?, range, write_size)
}

fn count(text: &str, range: RangeInclusive<u64>) -> Result<u64, LimitError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let malformed = || QuantityError::Malformed { text: text.to_owned(), kind: "count" };
    let too_large = |_| QuantityError::TooLarge { text: text.to_owned(), kind: "count" };
    let count = digits.then(|| text.parse()).ok_or_else(malformed)?.map_err(too_large)?;
    within(count, range, |count| count.to_string())
}

fn within<T: PartialOrd + Copy>(
    amount: T,
    range: RangeInclusive<T>,
    write: impl Fn(T) -> String,
) -> Result<T, LimitError> {
    if range.contains(&amount) {
        return Ok(amount);
    }
    let (least, most) = (write(*range.start()), write(*range.end()));
    Err(LimitError::OutOfRange { amount: write(amount), least, most })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_means_what_is_written() {
        for (name, text, amount) in [
            (LimitName::Timeout, "1.5s", Some(1500)),
            (LimitName::Cpus, "0.8", Some(800)),
            (LimitName::Cpus, "2", Some(2000)),
            (LimitName::CpuTime, "2s", Some(2000)),
            (LimitName::Memory, "512M", Some(512 << 20)),
            (LimitName::Processes, "64", Some(64)),
            (LimitName::Disk, "none", None),
        ] {
            assert_eq!(parse(name, text), Ok(amount), "{text}");
        }
    }

    #[test]
    fn what_is_out_of_range_or_no_limit_is_refused_and_never_clamped() {
        for (name, text, message) in [
            (LimitName::Memory, "1K", "1K is out of range, from 1M to 1024T"),
            (LimitName::Memory, "lots", "`lots` is not a size"),
            (LimitName::Memory, "-1", "`-1` is not a size"),
            (LimitName::Cpus, "0", "0 is out of range, from 0.01 to 8192"),
            (LimitName::Cpus, "0.0005", "`0.0005` is finer than a number of processors can be"),
            (LimitName::Cpus, "50%", "`50%` is not a number of processors"),
            (LimitName::Processes, "0", "0 is out of range, from 1 to 4194304"),
            (LimitName::Processes, "1.5", "`1.5` is not a count"),
            (LimitName::Processes, "", "`` is not a count"),
            (
                LimitName::Processes,
                "99999999999999999999",
                "`99999999999999999999` is more than a count can be",
            ),
            (LimitName::Timeout, "0s", "0ms is out of range, from 1ms to 365d"),
        ] {
            assert_eq!(parse(name, text).expect_err(text).to_string(), message);
        }
    }
}
