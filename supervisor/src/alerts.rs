//! What a caller should hear of before a limit ends the command, or although none does.

use clearing_profiles::{LimitName, Limits, write_duration, write_size};
use clearing_runtime::cgroup::Events;
use serde::{Deserialize, Serialize};

use crate::usage::Sample;

/// Something happened at a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", tag = "alert")]
pub(crate) enum Alert {
    /// More than nine tenths of a limit are used; told once for each.
    #[serde(rename_all = "camelCase")]
    NearLimit {
        /// Which.
        #[schemars(with = "String")]
        limit: LimitName,
        /// So much.
        used: u64,
        /// Of so much.
        allowed: u64,
    },
    /// The kernel killed processes for want of memory.
    OutOfMemory {
        /// How many so far.
        kills: u64,
        /// Bytes that are allowed.
        #[serde(skip_serializing_if = "Option::is_none")]
        allowed: Option<u64>,
    },
    /// The kernel refused to make a process.
    ForkRefused {
        /// How often so far.
        times: u64,
        /// How many there may be.
        #[serde(skip_serializing_if = "Option::is_none")]
        allowed: Option<u64>,
    },
}

/// The alerts of one run.
#[derive(Debug, Default)]
pub(crate) struct Alerts {
    told: Vec<Alert>,
    events: Events,
    /// The counts that were told last.
    counted: Events,
}

impl Alerts {
    /// Compares a sample, and the output so far, with the limits, and gives what is new.
    pub(crate) fn near(&mut self, sample: &Sample, output: u64, limits: &Limits) -> Vec<Alert> {
        let milliseconds = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let all = [
            (LimitName::Memory, sample.memory, limits.memory),
            (LimitName::Processes, sample.processes, limits.processes),
            (LimitName::Disk, sample.disk, limits.disk),
            (LimitName::Inodes, sample.inodes, limits.inodes),
            (LimitName::Output, output, limits.output),
            (LimitName::FileSize, sample.file, limits.file_size),
            (LimitName::CpuTime, milliseconds(sample.cpu), limits.cpu_time.map(milliseconds)),
            (LimitName::Timeout, milliseconds(sample.at), limits.timeout.map(milliseconds)),
        ];
        let near = all.into_iter().filter_map(|(limit, used, allowed)| {
            let allowed = allowed.filter(|allowed| is_near(used, *allowed))?;
            Some(Alert::NearLimit { limit, used, allowed })
        });
        let fresh: Vec<Alert> =
            near.filter(|alert| !self.told.iter().any(|told| told.is_about(alert))).collect();
        self.told.extend(&fresh);
        fresh
    }

    /// Compares what a group counted with what was told of it, and gives what is new: the first of a
    /// kind, and each time that there are twice as many. Who is refused again and again is not told
    /// again and again.
    pub(crate) fn happened(&mut self, events: Events, limits: &Limits) -> Vec<Alert> {
        self.events = events;
        let has_doubled = |now: u64, told: u64| now > 0 && now >= told * 2;
        let mut fresh = Vec::new();
        if has_doubled(events.oom_kills, self.counted.oom_kills) {
            self.counted.oom_kills = events.oom_kills;
            fresh.push(Alert::OutOfMemory { kills: events.oom_kills, allowed: limits.memory });
        }
        if has_doubled(events.forks_refused, self.counted.forks_refused) {
            self.counted.forks_refused = events.forks_refused;
            fresh.push(Alert::ForkRefused { times: events.forks_refused, allowed: limits.processes });
        }
        self.told.extend(&fresh);
        fresh
    }

    /// What the group counted so far.
    pub(crate) fn events(&self) -> &Events {
        &self.events
    }

    /// All of them once, with the last counts.
    pub(crate) fn into_all(self) -> Vec<Alert> {
        let Self { told, events, .. } = self;
        let mut all: Vec<Alert> = Vec::new();
        for alert in told {
            let last = match alert {
                Alert::NearLimit { .. } => alert,
                Alert::OutOfMemory { allowed, .. } => Alert::OutOfMemory { kills: events.oom_kills, allowed },
                Alert::ForkRefused { allowed, .. } => {
                    Alert::ForkRefused { times: events.forks_refused, allowed }
                }
            };
            if !all.iter().any(|known| known.is_about(&last)) {
                all.push(last);
            }
        }
        all
    }
}

impl Alert {
    /// Whether it tells of the same thing, if not the same of it.
    pub(crate) fn is_about(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::NearLimit { limit, .. }, Self::NearLimit { limit: other, .. }) => limit == other,
            (Self::OutOfMemory { .. }, Self::OutOfMemory { .. }) => true,
            (Self::ForkRefused { .. }, Self::ForkRefused { .. }) => true,
            _ => false,
        }
    }

    /// Whether a person who heard `earlier` knows it already: counts grow, a limit is near once.
    pub(crate) fn is_known_from(&self, earlier: &Self) -> bool {
        match self {
            Self::NearLimit { .. } => self.is_about(earlier),
            Self::OutOfMemory { .. } | Self::ForkRefused { .. } => self == earlier,
        }
    }

    /// Whether that limit's end says it already.
    pub(crate) fn is_of(&self, exceeded: Option<LimitName>) -> bool {
        exceeded == Some(self.limit())
    }

    fn limit(&self) -> LimitName {
        match self {
            Self::NearLimit { limit, .. } => *limit,
            Self::OutOfMemory { .. } => LimitName::Memory,
            Self::ForkRefused { .. } => LimitName::Processes,
        }
    }

    /// For people: what happened, and the option that gives more.
    pub(crate) fn text(&self) -> String {
        let (what, allowed) = match *self {
            Self::NearLimit { limit, used, allowed } => {
                let (name, used) = (name(limit), amount(limit, used));
                let what = format!("{name} came near the limit: {used} of {}", amount(limit, allowed));
                (what, Some(allowed))
            }
            Self::OutOfMemory { kills, allowed } => {
                (format!("the kernel killed {} for want of memory", counted(kills, "process", "es")), allowed)
            }
            Self::ForkRefused { times, allowed } => {
                (format!("a new process was refused {}", counted(times, "time", "s")), allowed)
            }
        };
        let hint = allowed.map(|allowed| format!("; {}", gives_more(self.limit(), allowed)));
        what + &hint.unwrap_or_default()
    }
}

/// Whether more than nine tenths are used, and something of it at all.
fn is_near(used: u64, allowed: u64) -> bool {
    used > 0 && u128::from(used) * 10 > u128::from(allowed) * 9
}

fn counted(number: u64, what: &str, ending: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}{ending}") }
}

/// The option that lifts a limit, and what it gives.
pub(crate) fn gives_more(limit: LimitName, allowed: u64) -> String {
    format!("`{} {}` gives it more", option(limit), amount(limit, more(limit, allowed)))
}

/// Twice as much, and no less than is of use to anybody: twice nothing is nothing.
fn more(limit: LimitName, allowed: u64) -> u64 {
    const MEBIBYTE: u64 = 1 << 20;
    let least = match limit {
        LimitName::Timeout | LimitName::CpuTime | LimitName::Cpus => 1,
        LimitName::Memory => 16 * MEBIBYTE,
        LimitName::Disk | LimitName::Output | LimitName::FileSize => MEBIBYTE,
        LimitName::Processes => 8,
        LimitName::Inodes | LimitName::Nofile => 100,
    };
    allowed.saturating_mul(2).max(least)
}

/// What a limit is of, in words.
pub(crate) fn name(limit: LimitName) -> &'static str {
    match limit {
        LimitName::Timeout => "time",
        LimitName::Cpus => "processors",
        LimitName::CpuTime => "processor time",
        LimitName::Memory => "memory",
        LimitName::Processes => "processes",
        LimitName::Disk => "disk",
        LimitName::Inodes => "files",
        LimitName::Output => "output",
        LimitName::FileSize => "file size",
        LimitName::Nofile => "descriptors",
    }
}

/// The option that sets a limit.
pub(crate) fn option(limit: LimitName) -> &'static str {
    match limit {
        LimitName::Timeout => "--timeout",
        LimitName::Cpus => "--cpus",
        LimitName::CpuTime => "--cpu-time",
        LimitName::Memory => "--memory",
        LimitName::Processes => "--pids",
        LimitName::Disk => "--disk",
        LimitName::Inodes => "--inodes",
        LimitName::Output => "--output",
        LimitName::FileSize => "--file-size",
        LimitName::Nofile => "--nofile",
    }
}

/// So much of a limit, as a person writes it; large sizes are rounded.
pub(crate) fn amount(limit: LimitName, amount: u64) -> String {
    const MEBIBYTE: u64 = 1 << 20;
    match limit {
        LimitName::Timeout | LimitName::CpuTime => write_duration(std::time::Duration::from_millis(amount)),
        LimitName::Processes | LimitName::Inodes | LimitName::Nofile | LimitName::Cpus => amount.to_string(),
        _ if amount >= MEBIBYTE => write_size(amount.div_ceil(MEBIBYTE) * MEBIBYTE),
        _ => write_size(amount),
    }
}

#[cfg(test)]
mod tests;
