//! What is counted of a server's work, as text for Prometheus. Labels have few values, all of them ours.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use tracing::Span;

use super::Server;
use crate::outcome::Cause;
use crate::protocol::{Fault, METHODS};

/// Counts.
#[derive(Default)]
pub(super) struct Metrics {
    inner: Mutex<Inner>,
    denials: AtomicU64,
}

#[derive(Default)]
struct Inner {
    /// By method.
    answered: BTreeMap<&'static str, Times>,
    /// By code.
    refused: BTreeMap<&'static str, u64>,
    /// By cause, as outcomes tell it.
    ended: BTreeMap<String, u64>,
}

/// How long something took.
#[derive(Default)]
struct Times {
    /// Each those within its bound, and within no lesser one.
    within: [u64; BOUNDS.len()],
    count: u64,
    sum: Duration,
}

/// In microseconds.
const BOUNDS: [u64; 14] = [
    250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 125_000, 250_000, 1_000_000, 10_000_000,
    60_000_000,
];

/// A request that is being carried out.
pub(super) struct Observed {
    server: Arc<Server>,
    method: &'static str,
    since: Instant,
    /// Where in the log it is.
    span: Span,
}

impl Observed {
    pub(super) fn begin(server: &Arc<Server>, method: &str) -> Self {
        // A client may call a method anything.
        let known = METHODS.iter().find(|known| known.name == method);
        let method = known.map_or("other", |known| known.name);
        let span = tracing::debug_span!("request", method);
        Self { server: Arc::clone(server), method, since: Instant::now(), span }
    }

    /// It is answered.
    pub(super) fn end(self, fault: Option<&Fault>) {
        let took = self.since.elapsed();
        let micros = took.as_micros();
        self.span.in_scope(|| match fault {
            None => tracing::debug!(micros, "answered"),
            Some(fault) => tracing::debug!(micros, code = fault.data.code, "refused"),
        });
        let mut inner = self.server.metrics.lock();
        match fault {
            None => inner.answered.entry(self.method).or_default().add(took),
            Some(fault) => *inner.refused.entry(fault.data.code).or_default() += 1,
        }
    }
}

impl Metrics {
    /// A command has ended, or never ran.
    pub(super) fn ended(&self, cause: Cause) {
        let cause = serde_json::to_value(cause).ok().and_then(|cause| Some(cause.as_str()?.to_owned()));
        *self.lock().ended.entry(cause.unwrap_or_default()).or_default() += 1;
    }

    /// Something was not permitted to a command.
    pub(super) fn denied(&self, times: usize) {
        self.denials.fetch_add(times as u64, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Times {
    fn add(&mut self, took: Duration) {
        self.count += 1;
        self.sum += took;
        if let Some(at) = BOUNDS.iter().position(|bound| took.as_micros() <= u128::from(*bound)) {
            self.within[at] += 1;
        }
    }
}

impl Server {
    /// All that is counted.
    pub(super) fn metrics(&self) -> String {
        let health = self.health();
        let mut text = Text::default();
        text.one("uptime_seconds", "gauge", "Time since the server began.", health.uptime_ms as f64 / 1e3);
        text.one("sessions", "gauge", "Sessions with a sandbox.", health.sessions as f64);
        text.one("sessions_parked", "gauge", "Sandboxes that wait for a session.", health.parked as f64);
        text.one("execs_running", "gauge", "Commands that run.", health.execs as f64);
        text.one("connections", "gauge", "Clients that are connected.", health.connections as f64);
        let kept = self.room.kept().all() as f64;
        text.one("kept_output_bytes", "gauge", "Output of commands that is kept.", kept);
        if let Some(memory) = resident() {
            text.one("resident_memory_bytes", "gauge", "Memory of the server's process.", memory as f64);
        }
        let denials = self.metrics.denials.load(Ordering::Relaxed) as f64;
        text.one("denials_total", "counter", "What was not permitted to commands.", denials);
        let inner = self.metrics.lock();
        text.each("execs_total", "Commands that ended, by cause.", "cause", &inner.ended);
        text.each("requests_refused_total", "Requests without a result, by code.", "code", &inner.refused);
        text.times(&inner.answered);
        text.0
    }
}

/// Bytes, by the kernel's word.
fn resident() -> Option<u64> {
    let file = rustix::fs::open("/proc/self/status", OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut text = [0; 4096];
    let length = rustix::io::read(&file, &mut text).ok()?;
    let text = std::str::from_utf8(&text[..length]).ok()?;
    let told = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(told.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

/// Text in the form that Prometheus reads.
#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP clearing_{name} {help}\n# TYPE clearing_{name} {kind}\n");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.head(name, kind, help);
        let _ = writeln!(self.0, "clearing_{name} {value}");
    }

    fn each(&mut self, name: &str, help: &str, label: &str, values: &BTreeMap<impl AsRef<str>, u64>) {
        self.head(name, "counter", help);
        for (value, count) in values {
            let _ = writeln!(self.0, "clearing_{name}{{{label}=\"{}\"}} {count}", escaped(value.as_ref()));
        }
    }

    fn times(&mut self, answered: &BTreeMap<&'static str, Times>) {
        const NAME: &str = "clearing_request_seconds";
        self.head("request_seconds", "histogram", "How long requests with a result took, by method.");
        for (method, times) in answered {
            let mut within = 0;
            for (bound, count) in BOUNDS.iter().zip(times.within) {
                within += count;
                let bound = *bound as f64 / 1e6;
                let _ = writeln!(self.0, "{NAME}_bucket{{method=\"{method}\",le=\"{bound}\"}} {within}");
            }
            let (sum, count) = (times.sum.as_secs_f64(), times.count);
            let _ = writeln!(self.0, "{NAME}_bucket{{method=\"{method}\",le=\"+Inf\"}} {count}");
            let _ = writeln!(self.0, "{NAME}_sum{{method=\"{method}\"}} {sum}");
            let _ = writeln!(self.0, "{NAME}_count{{method=\"{method}\"}} {count}");
        }
    }
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_up_to_all() {
        let mut times = Times::default();
        for micros in [1, 250, 251, 90_000_000] {
            times.add(Duration::from_micros(micros));
        }
        let mut text = Text::default();
        text.times(&BTreeMap::from([("health", times)]));
        let lines: Vec<&str> = text.0.lines().skip(2).collect();
        assert_eq!(lines[0], "clearing_request_seconds_bucket{method=\"health\",le=\"0.00025\"} 2");
        assert_eq!(lines[1], "clearing_request_seconds_bucket{method=\"health\",le=\"0.0005\"} 3");
        assert_eq!(lines[14], "clearing_request_seconds_bucket{method=\"health\",le=\"+Inf\"} 4");
        assert_eq!(lines[16], "clearing_request_seconds_count{method=\"health\"} 4");
    }

    #[test]
    fn a_label_cannot_end_itself_or_its_line() {
        let mut text = Text::default();
        text.each("x_total", "X.", "code", &BTreeMap::from([("a\"} 1\nb\\", 1)]));
        assert_eq!(text.0.lines().nth(2), Some("clearing_x_total{code=\"a\\\"} 1\\nb\\\\\"} 1"));
    }
}
