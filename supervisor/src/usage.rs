//! What a command used, over its whole run.

use std::time::Duration;

use clearing_runtime::Usage;
use clearing_runtime::cgroup;
use serde::Serialize;

/// What a sandbox used at one moment, or until then.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sample {
    /// Since the command was started.
    pub(crate) at: Duration,
    /// Bytes of memory, files in memory included.
    pub(crate) memory: u64,
    /// Processor time so far.
    pub(crate) cpu: Duration,
    /// Processes and threads.
    pub(crate) processes: u64,
    /// Bytes of what was written and is still there.
    pub(crate) disk: u64,
    /// Files and directories of it.
    pub(crate) inodes: u64,
    /// Bytes of the longest file, where somebody looked.
    pub(crate) file: u64,
}

/// Adds samples up.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    last: Sample,
    /// From where on the next processor share is measured.
    anchor: Sample,
    samples: u64,
    peak: Sample,
    peak_cpus: f64,
    /// Of bytes and processes, each times the microseconds that it lasted.
    memory_time: u128,
    process_time: u128,
}

/// Of what the outcome tells.
#[derive(Debug, Clone, Default, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UsageReport {
    #[serde(flatten)]
    #[schemars(with = "crate::protocol::outside::Usage")]
    reaped: Usage,
    /// The most bytes of memory at one time, files in memory included.
    pub(crate) peak_memory: u64,
    /// Over the run, where it was long enough to look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    average_memory: Option<u64>,
    /// Processes and threads at one time.
    pub(crate) peak_processes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    average_processes: Option<f64>,
    /// Processors at a time.
    average_cpus: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_cpus: Option<f64>,
    /// The most bytes of what was written and was still there.
    peak_disk: u64,
    /// How long somebody had to wait, where the kernel counts that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pressure: Option<PressureReport>,
}

/// Microseconds in which some process had to wait.
#[derive(Debug, Clone, Copy, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PressureReport {
    cpu_us: u64,
    memory_us: u64,
    io_us: u64,
}

/// A shorter time says nothing of the share of a processor: the kernel counts in ticks of 10 ms.
const SHARE_TIME: Duration = Duration::from_millis(100);

impl Meter {
    /// Adds a sample, which stands for the time since the last one.
    pub(crate) fn add(&mut self, sample: Sample) {
        let lasted = sample.at.saturating_sub(self.last.at).as_micros();
        self.memory_time += u128::from(sample.memory) * lasted;
        self.process_time += u128::from(sample.processes) * lasted;
        self.peak.memory = self.peak.memory.max(sample.memory);
        self.peak.processes = self.peak.processes.max(sample.processes);
        self.peak.disk = self.peak.disk.max(sample.disk);
        self.saw_cpu(sample.cpu);
        let time = sample.at.saturating_sub(self.anchor.at);
        if time >= SHARE_TIME {
            let cpu = sample.cpu.saturating_sub(self.anchor.cpu);
            self.peak_cpus = self.peak_cpus.max(cpu.as_secs_f64() / time.as_secs_f64());
            self.anchor = sample;
        }
        self.samples += 1;
        self.last = sample;
    }

    /// So much processor time had been used by then, by whomever.
    pub(crate) fn saw_cpu(&mut self, cpu: Duration) {
        self.peak.cpu = self.peak.cpu.max(cpu);
    }

    /// The most of everything so far.
    pub(crate) fn peak(&self) -> &Sample {
        &self.peak
    }

    /// The whole run: what init counted for all that it reaped, what was sampled, and what a group counted.
    pub(crate) fn report(
        &self,
        mut reaped: Usage,
        lasted: Duration,
        group: Option<&cgroup::Sample>,
    ) -> UsageReport {
        let group = group.copied().unwrap_or_default();
        if let Some(cpu) = group.cpu {
            let microseconds = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            // How a tick was shared out is a guess; the sum is not.
            reaped.user_us = microseconds(cpu.user.min(cpu.total));
            reaped.system_us = microseconds(cpu.total) - reaped.user_us;
        } else {
            // What nobody waited for was not reaped; whose time it was is not known any more.
            let reaped_us = reaped.user_us + reaped.system_us;
            let seen = u64::try_from(self.peak.cpu.as_micros()).unwrap_or(u64::MAX);
            reaped.user_us += seen.saturating_sub(reaped_us);
        }
        reaped.read_bytes = reaped.read_bytes.max(group.read_bytes.unwrap_or(0));
        reaped.written_bytes = reaped.written_bytes.max(group.written_bytes.unwrap_or(0));
        let time = self.last.at.as_micros();
        let sampled = (self.samples > 0 && time > 0).then_some(time);
        let cpu = Duration::from_micros(reaped.user_us + reaped.system_us);
        UsageReport {
            peak_memory: group.memory_peak.unwrap_or(if self.samples > 0 {
                self.peak.memory
            } else {
                reaped.peak_process_memory
            }),
            average_memory: sampled.map(|time| u64::try_from(self.memory_time / time).unwrap_or(u64::MAX)),
            peak_processes: self.peak.processes.max(1),
            average_processes: sampled.map(|time| rounded(self.process_time as f64 / time as f64)),
            average_cpus: rounded(cpu.as_secs_f64() / lasted.as_secs_f64().max(1e-6)),
            peak_cpus: (self.peak_cpus > 0.0).then_some(rounded(self.peak_cpus)),
            peak_disk: self.peak.disk,
            pressure: pressure(&group),
            reaped,
        }
    }
}

impl UsageReport {
    /// Milliseconds of processor time.
    pub(crate) fn cpu_ms(&self) -> u64 {
        (self.reaped.user_us + self.reaped.system_us) / 1000
    }

    /// At the end there may be more than at any look before.
    pub(crate) fn saw_disk(&mut self, bytes: u64) {
        self.peak_disk = self.peak_disk.max(bytes);
    }
}

fn pressure(group: &cgroup::Sample) -> Option<PressureReport> {
    let total = |pressure: cgroup::Pressure| u64::try_from(pressure.total.as_micros()).unwrap_or(u64::MAX);
    Some(PressureReport {
        cpu_us: total(group.cpu_pressure?),
        memory_us: total(group.memory_pressure?),
        io_us: total(group.io_pressure?),
    })
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_over_time_and_peaks_over_samples() {
        let sample = |ms, memory, cpu_ms, processes| Sample {
            at: Duration::from_millis(ms),
            memory,
            cpu: Duration::from_millis(cpu_ms),
            processes,
            ..Sample::default()
        };
        let mut meter = Meter::default();
        meter.add(sample(100, 100, 50, 1));
        meter.add(sample(400, 500, 350, 3));
        let reaped = Usage { user_us: 300_000, system_us: 100_000, ..Usage::default() };
        let report = meter.report(reaped, Duration::from_millis(800), None);
        assert_eq!((report.peak_memory, report.average_memory), (500, Some(400)));
        assert_eq!((report.peak_processes, report.average_processes), (3, Some(2.5)));
        assert_eq!((report.peak_cpus, report.average_cpus), (Some(1.0), 0.5));
    }

    #[test]
    fn time_of_processes_that_nobody_waited_for_is_not_lost() {
        let mut meter = Meter::default();
        meter.add(Sample { cpu: Duration::from_millis(700), ..Sample::default() });
        let reaped = Usage { user_us: 100_000, system_us: 100_000, ..Usage::default() };
        assert_eq!(meter.report(reaped, Duration::from_secs(1), None).cpu_ms(), 700);
    }

    #[test]
    fn a_run_too_short_to_look_at_used_what_was_reaped() {
        let reaped = Usage { peak_process_memory: 4096, ..Usage::default() };
        let report = Meter::default().report(reaped, Duration::from_millis(1), None);
        assert_eq!((report.peak_memory, report.average_memory, report.peak_processes), (4096, None, 1));
    }
}
