//! What a caller should hear of before a limit ends the command, or although none does.

use clearing_profiles::{LimitName, Limits, write_duration, write_size};
use clearing_runtime::cgroup::Events;
use serde::Serialize;

use crate::usage::Sample;

/// Something happened at a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "alert")]
pub(crate) enum Alert {
    /// More than nine tenths of a limit are used; told once for each.
    #[serde(rename_all = "camelCase")]
    NearLimit {
        /// Which.
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
    },
    /// The kernel refused to make a process.
    ForkRefused {
        /// How often so far.
        times: u64,
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
    /// Compares a sample with the limits, and gives what is new.
    pub(crate) fn near(&mut self, sample: &Sample, limits: &Limits) -> Vec<Alert> {
        let milliseconds = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let all = [
            (LimitName::Memory, sample.memory, limits.memory),
            (LimitName::Processes, sample.processes, limits.processes),
            (LimitName::Disk, sample.disk, limits.disk),
            (LimitName::Inodes, sample.inodes, limits.inodes),
            (LimitName::CpuTime, milliseconds(sample.cpu), limits.cpu_time.map(milliseconds)),
            (LimitName::Timeout, milliseconds(sample.at), limits.timeout.map(milliseconds)),
        ];
        let near = all.into_iter().filter_map(|(limit, used, allowed)| {
            let allowed = allowed.filter(|allowed| used > allowed / 10 * 9)?;
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
    pub(crate) fn happened(&mut self, events: Events) -> Vec<Alert> {
        self.events = events;
        let has_doubled = |now: u64, told: u64| now > 0 && now >= told * 2;
        let mut fresh = Vec::new();
        if has_doubled(events.oom_kills, self.counted.oom_kills) {
            self.counted.oom_kills = events.oom_kills;
            fresh.push(Alert::OutOfMemory { kills: events.oom_kills });
        }
        if has_doubled(events.forks_refused, self.counted.forks_refused) {
            self.counted.forks_refused = events.forks_refused;
            fresh.push(Alert::ForkRefused { times: events.forks_refused });
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
                Alert::OutOfMemory { .. } => Alert::OutOfMemory { kills: events.oom_kills },
                Alert::ForkRefused { .. } => Alert::ForkRefused { times: events.forks_refused },
            };
            if !all.iter().any(|known| known.is_about(&last)) {
                all.push(last);
            }
        }
        all
    }
}

impl Alert {
    fn is_about(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::NearLimit { limit, .. }, Self::NearLimit { limit: other, .. }) => limit == other,
            (Self::OutOfMemory { .. }, Self::OutOfMemory { .. }) => true,
            (Self::ForkRefused { .. }, Self::ForkRefused { .. }) => true,
            _ => false,
        }
    }

    /// Whether that limit's end says it already.
    pub(crate) fn is_of(&self, exceeded: Option<LimitName>) -> bool {
        match self {
            Self::NearLimit { limit, .. } => exceeded == Some(*limit),
            Self::OutOfMemory { .. } => exceeded == Some(LimitName::Memory),
            Self::ForkRefused { .. } => exceeded == Some(LimitName::Processes),
        }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::NearLimit { limit, used, allowed } => {
                let (name, used) = (name(*limit), amount(*limit, *used));
                format!("{name} came near the limit: {used} of {}", amount(*limit, *allowed))
            }
            Self::OutOfMemory { kills } => format!("the kernel killed {kills} for want of memory"),
            Self::ForkRefused { times } => format!("a new process was refused {times} times"),
        }
    }
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
mod tests {
    use clearing_profiles::Profile;

    use super::*;

    #[test]
    fn nine_tenths_of_a_limit_are_told_once() {
        let mut limits = Profile::builtin("default").expect("built in").limits;
        limits.memory = Some(1000);
        let sample = |memory| Sample { memory, ..Sample::default() };
        let mut alerts = Alerts::default();
        assert_eq!(alerts.near(&sample(900), &limits), []);
        let near = Alert::NearLimit { limit: LimitName::Memory, used: 901, allowed: 1000 };
        assert_eq!(alerts.near(&sample(901), &limits), [near]);
        assert_eq!(alerts.near(&sample(950), &limits), []);
    }

    #[test]
    fn what_a_group_counted_is_told_when_it_has_grown() {
        let mut alerts = Alerts::default();
        let events = Events { forks_refused: 3, ..Events::default() };
        assert_eq!(alerts.happened(events), [Alert::ForkRefused { times: 3 }]);
        assert_eq!(alerts.happened(events), []);
    }

    #[test]
    fn a_hundred_thousand_refusals_are_told_a_few_times_and_counted_to_the_last() {
        let mut alerts = Alerts::default();
        let refused = |forks_refused| Events { forks_refused, ..Events::default() };
        let told = (0..=100_000).map(|count| alerts.happened(refused(count)).len()).sum::<usize>();
        assert_eq!(told, 17);
        assert_eq!(alerts.into_all(), [Alert::ForkRefused { times: 100_000 }]);
    }
}
